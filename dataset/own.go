package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// OwnOptions say what rows a user's own data set has.
type OwnOptions struct {
	Train Source
	// Test are the rows that are held out, where they have a file of their own; with an
	// empty Input, TestFraction of Train's are.
	Test Source
	// TestFraction is the share of rows held out, above 0 and below 1. Each class, and the
	// rows of none, give the same share, chosen by Seed; their order stays.
	TestFraction float64
	Seed         uint64
}

// Own is a user's own data set.
type Own struct {
	Dataset
	// TestRows are the rows of Train's Input that were held out, ascending; nil where the
	// test rows have a file of their own.
	TestRows []int
}

// ReadOwn reads a user's own data set. Its Name is the path of the training rows.
//
// Memory: the rows as bytes or float32, once, those held out once more, and of an array in
// Fortran order twice while it is read.
func ReadOwn(ctx context.Context, o OwnOptions) (*Own, error) {
	if o.Test.Input == "" && !(o.TestFraction > 0 && o.TestFraction < 1) {
		return nil, fmt.Errorf("dataset: the fraction of test rows must be above 0 and below 1, "+
			"got %g", o.TestFraction)
	}
	if o.Test.Input == "" && o.Test.Labels != "" {
		return nil, fmt.Errorf("dataset: test labels %s without test rows", o.Test.Labels)
	}
	train, labels, err := o.Train.read(ctx)
	if err != nil {
		return nil, err
	}
	if o.Test.Input == "" {
		return o.hold(train, labels)
	}
	o.Test.Like = train
	o.Test.Height, o.Test.Width = o.Train.Height, o.Train.Width
	if o.Test.LabelColumn == "" {
		o.Test.LabelColumn = o.Train.LabelColumn
	}
	test, testLabels, err := o.Test.read(ctx)
	if err != nil {
		return nil, err
	}
	if (train.Images == nil) != (test.Images == nil) {
		return nil,
			fmt.Errorf("dataset: read %s: one of it and %s holds bytes, the other does not",
				o.Test.Input, o.Train.Input)
	}
	classes := classesOf(labels, testLabels)
	if err := o.Train.number(train, labels, classes); err != nil {
		return nil, err
	}
	if err := o.Test.number(test, testLabels, classes); err != nil {
		return nil, err
	}
	return o.own(train, test, classes, nil)
}

// hold holds some of the rows out.
func (o OwnOptions) hold(x *Split, labels []string) (*Own, error) {
	classes := classesOf(labels)
	if err := o.Train.number(x, labels, classes); err != nil {
		return nil, err
	}
	if x.N < 2 {
		return nil, fmt.Errorf("dataset: read %s: one row, want two at least, one of them to test",
			o.Train.Input)
	}
	rows := heldOut(x.Labels, x.N, o.TestFraction, o.Seed)
	test := x.copyOf(rows)
	rest := make([]int, 0, x.N-len(rows))
	for i, next := 0, 0; i < x.N; i++ {
		if next < len(rows) && rows[next] == i {
			next++
			continue
		}
		rest = append(rest, i)
	}
	x.take(rest)
	return o.own(x, test, classes, rows)
}

// own puts the data set together.
func (o OwnOptions) own(train, test *Split, classes []string, rows []int) (*Own, error) {
	if len(classes) == 1 {
		return nil, fmt.Errorf("dataset: labels of %s: all are %q, want two classes at least; "+
			"rows may also have no labels", o.Train.Input, classes[0])
	}
	if train.Labels == nil && test.Labels != nil {
		return nil, fmt.Errorf("dataset: labels of %s: the test rows have some, the training "+
			"rows none", o.Train.Input)
	}
	return &Own{Dataset{Name: o.Train.Input, Classes: classes, Train: train, Test: test},
		rows}, nil
}

// heldOut chooses the test rows: of n rows ceil(fraction n) as scikit-learn's
// train_test_split, by the largest remainders of the classes, but at most all rows of a class
// except one. Unknown is a class here.
func heldOut(labels []int, n int, fraction float64, seed uint64) []int {
	groups := map[int][]int{}
	for i := range n {
		class := Unknown
		if labels != nil {
			class = labels[i]
		}
		groups[class] = append(groups[class], i)
	}
	type share struct {
		class, count int
		rest         float64
	}
	shares := make([]share, 0, len(groups))
	want := min(int(math.Ceil(fraction*float64(n))), n-1)
	left := want
	for class, rows := range groups {
		exact := float64(want) * float64(len(rows)) / float64(n)
		whole := math.Floor(exact)
		shares = append(shares, share{class, int(whole), exact - whole})
		left -= int(whole)
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.rest, a.rest), cmp.Compare(a.class, b.class))
	})
	for i := 0; left > 0 && i < len(shares); i++ {
		shares[i].count++
		left--
	}
	slices.SortFunc(shares, func(a, b share) int { return cmp.Compare(a.class, b.class) })
	r := rand.New(rand.NewPCG(seed, 0x6c6174656e74))
	var chosen []int
	for _, s := range shares {
		rows := groups[s.class]
		order := r.Perm(len(rows))
		for _, k := range order[:min(s.count, len(rows)-1)] {
			chosen = append(chosen, rows[k])
		}
	}
	if len(chosen) == 0 { // one row of each class: the last is tested
		chosen = []int{n - 1}
	}
	slices.Sort(chosen)
	return chosen
}

// errNoRows is for splits made by hand.
var errNoRows = errors.New("no rows")
