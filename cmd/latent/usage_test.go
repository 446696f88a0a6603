//go:build linux && cgo

package main

import (
	"strings"
	"testing"
)

// A wrong call is one line on stderr and exit code 2, and does nothing.
func TestWrongCalls(t *testing.T) {
	for _, c := range []struct {
		call string
		want string
	}{
		{"clasify", `"classify"`},
		{"train --out x --epoch 3", "--epochs"},
		{"train --out x --epochs many", "--epochs"},
		{"train --out x --epochs", "--epochs"},
		{"train --out x --epochs 0", "epochs must be at least 1, got 0"},
		{"train --out x --batch-size 0", "--batch-size must be at least 1, got 0"},
		{"train --out x --lr -1", "--lr must be above 0 and finite, got -1"},
		{"train --out x --lr NaN", "--lr"},
		{"train --out x --weight-decay -1", "--weight-decay"},
		{"train --out x --precision fp8", "precision"},
		{"train --out x --dataset cifar", "mnist, fashion-mnist, kmnist"},
		{"train --out x --device tpu", "cuda:N"},
		{"train --out x --threads 0", "threads"},
		{"train --out x --limit -1", "limit"},
		{"train --out x --contrastive triplet", "nt-xent"},
		{"train --out x --contrastive supcon --temperature 0",
			"temperature must be above 0 and finite, got 0"},
		{"train --out x --contrastive supcon --similarity manhattan",
			`unknown similarity "manhattan": want cosine or euclidean`},
		{"train --out x --contrastive supcon --contrastive-weight -1", "--contrastive-weight"},
		{"train --out x --contrastive nt-xent --augment=false", "nt-xent needs augmentation"},
		{"train --out x --contrastive notebook --augment", "no augmentation"},
		{"train --out x --temperature 0.1", "choose one of notebook, nt-xent, supcon, self-label"},
		{"train --out x --contrastive self-label --clusters 1",
			"--clusters must be at least 2, got 1"},
		{"train --out x --contrastive self-label --augment=false",
			"self-label needs augmentation"},
		{"train --out x --contrastive supcon --clusters 5", "clusters are self-label's"},
		{"train --out x extra", `"extra"`},
		{"train", "--out"},
		{"notebook", "--out"},
		{"notebook --out x --every 0", "every"},
		{"data --dataset cifar", "cifar"},
		{"encode --run x --output z.npy", "--split or --input"},
		{"encode --run x --output z.npy --split test --input x.npy", "--split or --input"},
		{"encode --run x --output z.npy --split valid", "valid"},
		{"encode --run x --output z.txt --split test", "--output"},
		{"encode --run x --split test", "--output"},
		{"encode --split test --output z.npy", "--run"},
		{"classify --run x --metric manhattan", "manhattan"},
		{"classify --run x --clusters 0", "--clusters"},
		{"classify --run x --clusters many", "--clusters must be at least 1, or auto"},
		{"classify --run x --device gpu", "gpu"},
		{"classify --run x --threads 0", "--threads"},
		{"tsne --output y.npy", "--input"},
		{"tsne --input x.npy", "--output"},
		{"tsne --input x.npy --output y.npy --every 0", "--every"},
		{"tsne --input x.npy --output y.npy --metric manhattan", "manhattan"},
		{"tsne --input x.npy --output y.npy --kernel cauchy", "cauchy"},
		{"tsne --input x.npy --output y.npy --alpha 0", "--alpha"},
		{"tsne --input x.npy --output y.npy --late-exaggeration 0.5", "--late-exaggeration"},
		{"tsne --input x.npy --output y.npy --perplexity 30,many", "--perplexity"},
		{"tsne --input x.npy --output y.npy --perplexity 30,0", "--perplexity"},
		{"tsne --input x.npy --output y.npy --perplexity 30,50 --kernel uniform", "--kernel"},
		{"tsne --input x.npy --output y.npy --save model.pt", "--save"},
		{"tsne --input x.npy --output y.npy --format npy", "--format"},
		{"tsne --input x.npy --output - --format txt", "--format"},
		{"tsne --input x.npy --output - --json", "--json"},
		{"tsne --input - --output y.npy --transform - --transform-output z.npy",
			"both be standard input"},
		{"tsne --input x.npy --output - --transform z.npy --transform-output -",
			"both be standard output"},
		{"tsne --knn k.npz --output y.npy", "--input"},
		{"tsne --knn k.npz --input x.npy --every 2 --output y.npy", "--every"},
		{"tsne --knn k.npz --init random --output y.npy --transform z.npy " +
			"--transform-output w.npy", "--transform needs --input"},
		{"tsne --load m.npz", "--transform"},
		{"tsne --load m.npz --transform x.npy", "--transform-output"},
		{"tsne --load m.npz --transform x.npy --transform-output y.npy --perplexity 5",
			"leave --perplexity out"},
		{"tsne --input x.npy --output y.npy --method fft", "fft"},
		{"tsne --input x.npy --output y.npy --perplexity 0.5",
			"--perplexity is 0.5: want a number of at least 1"},
		{"tsne --input x.npy --output y.npy --theta -1", "--theta"},
		{"tsne --input x.npy --output y.npy --early-exaggeration 0", "--early-exaggeration"},
		{"tsne --input x.npy --output y.npy --learning-rate fast", "--learning-rate"},
		{"tsne --input x.npy --output y.npy --init spectral", "--init"},
		{"tsne --input x.npy --output y.npy --seed -1", "--seed"},
		{"plot pie", `"pie"`},
		{"plot loss --output l.png", "--run"},
		{"plot scatter --output l.png", "--input"},
		{"report --map y.npy --output m.png", "--output must end in .html"},
		{"report --output m.html", "--map"},
		{"report --map a=y.npy --map a=z.npy -o m.html", "called a"},
		{"report --map y.npy --predicted b=p.npy -o m.html", "no map is called b"},
		{"report --map y.npy --every 0 -o m.html", "--every must be at least 1"},
		{"report --map y.npy -o m.html runs/a", "--map is for maps"},
		{"view", "takes one folder"},
		{"view --port 70000 .", "--port must be 0 to 65535"},
		{"info --threads x", "--threads"},
	} {
		refuse(t, 2, strings.Fields(c.call), c.want)
	}
}

// Help names every flag that users rely on.
func TestHelp(t *testing.T) {
	common := "--data --dataset --device --threads --seed"
	for command, flags := range map[string]string{
		"data": "--data --dataset --json --quiet",
		"train": common +
			" --out --epochs --batch-size --lr --weight-decay --contrastive --temperature " +
			"--similarity --augment --clusters --contrastive-weight --init --shuffle " +
			"--precision --resume --view --json --quiet",
		"encode":   "--run --split --input --output --device --threads",
		"classify": "--run --metric --clusters --confusion --json",
		"tsne": "--input --output --format --every --knn --metric --kernel --method " +
			"--alpha --late-exaggeration --save --load --transform --transform-output " +
			"--perplexity --theta --schedule --iterations --early-exaggeration " +
			"--exaggeration-iterations --learning-rate --init --seed --view --threads --json",
		"plot loss":    "--run --output",
		"plot scatter": "--input --labels --output",
		"notebook": common +
			" --out --epochs --every --contrastive --temperature --similarity --augment --view " +
			"--json",
		"report": "--map --labels --predicted --class-names --images --columns --input " +
			"--neighbors --every --title --output --threads",
		"view": "--port --no-browser",
		"info": "--json",
	} {
		help := must(t, append(strings.Fields(command), "--help")...).stdout
		for _, flag := range strings.Fields(flags) {
			if !strings.Contains(help, "  "+flag+" ") && !strings.Contains(help, "  "+flag+", -") {
				t.Errorf("latent %s --help does not list %s", command, flag)
			}
		}
	}
	if out := must(t).stdout; !strings.Contains(out, "latent COMMAND --help") {
		t.Errorf("latent alone prints %q", out)
	}
	if out := must(t, "--version").stdout; !strings.HasPrefix(out, "latent ") {
		t.Errorf("latent --version prints %q", out)
	}
}

func TestInfo(t *testing.T) {
	v := object(t, must(t, "info", "--json", "--threads", "1"))
	for _, key := range []string{"version", "go", "device", "threads", "cpu_features"} {
		at(t, v, key)
	}
	at(t, v, "libtorch", "version")
	at(t, v, "libtorch", "path")
	if out := must(t, "info", "--threads", "1").stdout; !strings.Contains(out, "libtorch") {
		t.Errorf("latent info prints %q", out)
	}
}
