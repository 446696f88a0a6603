"""The notebook's cells 1, 2, 3, 7, 8 and 9 in PyTorch, as written, with its blanks filled in: what
accuracy.py and ../bench/bench.py hold `latent` against. Needs torch 1.13 or later, and numpy.

torchvision is used where it is installed. Where it is not, MNIST below gives the same tensors by the same
steps: the image through PIL where that is installed, through numpy alone where it is not, then a tensor of
bytes, permuted, to float32, divided by 255. It costs less than torchvision 0.26's: about 0.8 of its time an
item with PIL, 0.26 without (117, 95 and 30 microseconds on a busy machine), so that ratios to it flatter nobody.
"""
import gzip
import os
import struct
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Subset

try:
    import torchvision
    import torchvision.transforms as transforms
except ImportError:
    torchvision = None
try:
    from PIL import Image
except ImportError:
    Image = None

FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
BATCH = 1024


def dataset_kind():
    """Says in words what serves the images."""
    if torchvision:
        return "torchvision %s" % torchvision.__version__
    return "torchvision's MNIST rebuilt, %s PIL" % ("with" if Image else "without")


def raw_bytes(data, dataset, name):
    """The bytes of an IDX file, plain or .gz, in torchvision's folders."""
    path = os.path.join(data, FOLDERS[dataset], "raw", name)
    if os.path.exists(path):
        with open(path, "rb") as f:
            return f.read()
    with gzip.open(path + ".gz") as f:
        return f.read()


def read_split(data, dataset, train):
    """images (n x 28 x 28, uint8) and labels (n, int64) as tensors."""
    prefix = "train" if train else "t10k"
    pixels = raw_bytes(data, dataset, prefix + "-images-idx3-ubyte")
    n, rows, columns = struct.unpack(">3I", pixels[4:16])
    labels = raw_bytes(data, dataset, prefix + "-labels-idx1-ubyte")
    images = np.frombuffer(pixels, np.uint8, offset=16).reshape(n, rows, columns)
    return torch.from_numpy(images.copy()), torch.from_numpy(np.frombuffer(labels, np.uint8, offset=8).astype(np.int64))


class MNIST(Dataset):
    """torchvision.datasets.MNIST with transform=ToTensor(), for where torchvision is not installed."""

    def __init__(self, data, dataset, train):
        self.data, self.targets = read_split(data, dataset, train)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        img, target = self.data[index], int(self.targets[index])
        img = Image.fromarray(img.numpy(), mode="L") if Image else img.numpy()
        # ToTensor
        img = torch.from_numpy(np.array(img, np.uint8, copy=True)).view(28, 28, 1).permute((2, 0, 1)).contiguous()
        return img.to(dtype=torch.get_default_dtype()).div(255), target


def open_dataset(data, dataset, train):
    """Cell 1's dataset. torchvision wants unpacked files; they are unpacked beside, not into the user's folder."""
    if not torchvision:
        return MNIST(data, dataset, train)
    with tempfile.TemporaryDirectory() as root:
        raw = os.path.join(root, FOLDERS[dataset], "raw")
        os.makedirs(raw)
        for prefix in ("train", "t10k"):
            for name in (prefix + "-images-idx3-ubyte", prefix + "-labels-idx1-ubyte"):
                with open(os.path.join(raw, name), "wb") as f:
                    f.write(raw_bytes(data, dataset, name))
        kind = getattr(torchvision.datasets, FOLDERS[dataset])
        return kind(root=root, train=train, transform=transforms.Compose([transforms.ToTensor()]))


class AutoEncoder(nn.Module):
    """Cell 2, problem 1."""

    def __init__(self, dim_in, act_func=nn.ReLU):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(dim_in, 1000), act_func(), nn.Linear(1000, 25), act_func(), nn.Linear(25, 50)
        )
        self.decoder = nn.Sequential(act_func(), nn.Linear(50, 1000), act_func(), nn.Linear(1000, dim_in))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def new_model():
    """Cell 2: model, criterion, optimizer."""
    model = AutoEncoder(28 * 28)
    return model, nn.MSELoss(), torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8)


def constrastive_loss(z, z_neg, tau=0.5):
    """Cell 8, the notebook's own text."""
    z = F.normalize(z, dim=1)
    z_neg = F.normalize(z_neg, dim=1)
    sim = torch.sum(z * z_neg, dim=1)
    tmp = sim / tau
    loss = torch.log(1 + torch.exp(tmp))
    return loss.mean()


def train_epoch(model, criterion, optimizer, batches, losses, contrastive=False):
    """Cells 3 and 9, problems 2 and 4: one pass over batches of (images, labels), a loss appended per step."""
    model.train()
    for images, labels in batches:
        images = images.reshape(len(images), -1)
        z = model.encoder(images)
        loss = criterion(model.decoder(z), images)
        if contrastive:
            a1, a2 = torch.randperm(10)[:2]
            z1, z2 = z[labels == a1], z[labels == a2]
            n = min(len(z1), len(z2))
            if n > 0:
                loss = loss + constrastive_loss(z1[:n], z2[:n])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


def encode_split(model, loader):
    """Cell 5: originals, latents and labels of a split, and its mean squared error."""
    model.eval()
    originals, latents, labels, squares = [], [], [], 0.0
    with torch.no_grad():
        for images, label in loader:
            images = images.reshape(len(images), -1)
            z = model.encoder(images)
            squares += F.mse_loss(model.decoder(z), images).item() * len(images)
            originals.append(images)
            latents.append(z)
            labels.append(label)
    labels = torch.cat(labels)
    return torch.cat(originals), torch.cat(latents), labels, squares / len(labels)


def centers(x, labels):
    """Cell 7, problem 3: the mean of each class."""
    return torch.stack([x[labels == c].mean(0) for c in range(10)])


def predict(x, mu):
    """Cell 7, problem 3: the class of the nearest centre, 2-norm."""
    return torch.cdist(x, mu).argmin(1)


def notebook_loader(data, dataset, train, limit=0):
    """Cell 1's loader; limit, if not 0, is the number of images to take from the front."""
    images = open_dataset(data, dataset, train)
    if 0 < limit < len(images):
        images = Subset(images, range(limit))
    return DataLoader(images, batch_size=BATCH, shuffle=True)
