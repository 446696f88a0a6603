package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// The rows lie at 0, 1 and 10, 11: class 7 has its centre at 0.5, class 2 at 10.5. Of the
// test rows 1, 9 and 6 the last is closer to class 2, and labelled 7.
func TestClassifyMatrix(t *testing.T) {
	dir := t.TempDir()
	x := write(t, filepath.Join(dir, "x.csv"), "0,0\n1,0\n10,0\n11,0\n")
	xt := write(t, filepath.Join(dir, "xt.csv"), "1,0\n9,0\n6,0\n")
	labels := func(name string, classes ...byte) string {
		idx := append([]byte{0, 0, 8, 1, 0, 0, 0, byte(len(classes))}, classes...)
		return write(t, filepath.Join(dir, name), string(idx))
	}
	l, lt := labels("l.idx1", 7, 7, 2, 2), labels("lt.idx1", 7, 2, 7)
	train := []string{"classify", "--quiet", "--input", x, "--labels", l}
	test := append(train[:len(train):len(train)], "--test-input", xt, "--test-labels", lt)
	with := func(args []string,
		more ...string) []string {
		return append(args[:len(args):len(args)], more...)
	}

	v := object(t, must(t, with(test, "--json", "--confusion")...))
	if got := fmt.Sprint(v["accuracy"]); got != "map[test:0.6666666666666666 train:1]" {
		t.Errorf("accuracy %s", got)
	}
	confusion := v["confusion"].([]any)
	if got := fmt.Sprint(confusion[7],
		confusion[2]); got != "[0 0 1 0 0 0 0 1] [0 0 1 0 0 0 0 0]" {
		t.Errorf("confusion of 7 and 2: %s", got)
	}
	v = object(t, must(t, with(test, "--json", "--clusters", "2")...))
	if got := fmt.Sprint(v["accuracy"],
		v["nmi"].(map[string]any)["train"]); got != "map[test:0.6666666666666666 train:1] 1" {
		t.Errorf("clusters: %s", got)
	}
	if out := must(t, train...).stdout; !strings.Contains(out, "100.00 %") ||
		strings.Contains(out, "test") {
		t.Errorf("it prints %q", out)
	}

	// Of three neighbours of row 6, two are of class 7 where it is nearer to 1 than to 10.
	v = object(t,
		must(t, with(test, "--json", "--method", "knn", "--confusion", "--silhouette")...))
	if got := fmt.Sprint(v["method"], len(v["variants"].([]any))); got != "knn2" {
		t.Errorf("knn: %s", got)
	}
	if one := v["variants"].([]any)[0].(map[string]any); one["name"] != "knn 1, euclidean" ||
		fmt.Sprint(one["accuracy"]) != "map[test:0.6666666666666666 train:1]" {
		t.Errorf("knn: %v", one)
	}
	// Of class 7, rows 1 and 6 are 5 apart, and 8 and 3 from row 9, which is alone and counts 0.
	if s := v["silhouette"].(float64); len(v["class_scores"].([]any)) != 2 ||
		math.Abs(s-(3.0/8-2.0/5)/3) > 1e-9 {
		t.Errorf("knn: silhouette %v, scores %v", s, v["class_scores"])
	}
	v = object(t, must(t, with(test, "--json", "--method", "linear", "--confusion")...))
	scores := v["class_scores"].([]any)[1].(map[string]any)
	if got := fmt.Sprint(v["accuracy"], scores["name"], " ", scores["precision"], scores["recall"],
		scores["support"]); got !=
		"map[test:0.6666666666666666 train:1]7 1 0.5 2" {
		t.Errorf("linear: %s", got)
	}
	if out := must(t,
		with(test, "--method", "knn", "--silhouette",
			"--confusion")...).stdout; !strings.Contains(out, "knn 3, cosine-weighted") ||
		!strings.Contains(out, "silhouette") || !strings.Contains(out, "precision") {
		t.Errorf("it prints %q", out)
	}
	refuse(t, exitUsage, with(train, "--method", "forest"), "forest", "centroid, knn, linear")
	refuse(t, exitUsage, with(train, "--method", "knn", "--clusters", "2"), "--method",
		"--clusters")
	refuse(t, exitUsage, with(train, "--keep"), "--keep", "--run")
	refuse(t, exitUsage, []string{"classify", "--input", x}, "--labels")
	refuse(t, exitUsage, []string{"classify", "--labels", l}, "--input")
	refuse(t, exitUsage, with(test, "--run", dir), "--run", "--test-input")
	refuse(t, exitUsage, with(train, "--test-input", xt), "--test-labels")
	refuse(t, exitFailed, []string{"classify", "--input", xt, "--labels", l}, "4 labels", "3 rows")
	refuse(t, exitFailed,
		with(train, "--test-input", write(t, filepath.Join(dir, "w.csv"), "1\n2\n3\n"),
			"--test-labels", lt), "1 columns")
}
