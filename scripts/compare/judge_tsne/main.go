// Command judge_tsne judges maps of one matrix, whoever made them, for tsne.py beside it:
//
//	go run ./scripts/compare/judge_tsne --input x.npy y1.npy y2.npy
//
// For each map it prints a line of JSON: KL(P || Q), with P of perplexity 30 over the exact 91
// nearest rows, and the share of a sample's 10 nearest rows that the map keeps. Both are what
// scikit-learn computes (package tsne's tests compare); Q's normaliser is over all pairs up to
// 70,000 rows, and by a tree with theta 0.2 above, which moves KL by less than 0.002.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"latent/internal/matrix"
	"latent/tsne"
)

const (
	perplexity = 30
	kept       = 10
	exactRows  = 70000
)

func main() {
	input := flag.String("input", "", "the matrix, .npy or .csv")
	sample := flag.Int("sample", 2000, "number of rows whose neighbours are compared")
	flag.Parse()
	if err := run(*input, *sample, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "judge_tsne:", err)
		os.Exit(1)
	}
}

func run(input string, sample int, maps []string) error {
	ctx := context.Background()
	x, err := matrix.ReadFile(input)
	if err != nil {
		return err
	}
	o := tsne.DefaultOptions()
	o.Perplexity = perplexity
	g, err := tsne.ExactNeighbors{}.Nearest(ctx, x.Data, x.Rows, nil, x.Rows,
		min(x.Rows-1, 3*perplexity+1))
	if err != nil {
		return err
	}
	rows := rand.New(rand.NewPCG(1, 1)).Perm(x.Rows)[:min(sample, x.Rows)]
	near := make([]map[int32]bool, len(rows))
	for i, row := range rows {
		near[i] = map[int32]bool{}
		for _, j := range g.Index[row*g.K : row*g.K+kept] {
			near[i][j] = true
		}
	}
	a, err := tsne.NewAffinities(g, perplexity, 0)
	if err != nil {
		return err
	}
	g = nil
	for _, path := range maps {
		y, err := matrix.ReadFile(path)
		if err != nil {
			return err
		}
		if y.Rows != x.Rows {
			return fmt.Errorf("%s has %d rows, %s has %d", path, y.Rows, input, x.Rows)
		}
		kl, err := divergence(a, y)
		if err != nil {
			return err
		}
		share, err := preservation(ctx, y, rows, near)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"map": path, "kl": kl,
			"neighbors_kept": share}); err != nil {
			return err
		}
	}
	return nil
}

// divergence is KL(P || Q) of the map y.
func divergence(a *tsne.Affinities, y matrix.Matrix) (float64, error) {
	if y.Rows <= exactRows {
		return tsne.KL(a, y.Data, y.Cols, 0)
	}
	// The optimiser computes it at the positions before its step.
	o := tsne.DefaultOptions()
	o.Components, o.Theta, o.Iterations, o.ExaggerationIterations, o.EarlyExaggeration = y.Cols,
		0.2, 1, 1, 1
	z, err := tsne.NewOptimizer(a, y.Data, o)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	if _, err := z.Step(); err != nil {
		return 0, err
	}
	return z.KL(), nil
}

// preservation is the share of the sampled rows' near ones that are among the nearest in the map.
func preservation(ctx context.Context, y matrix.Matrix, rows []int,
	near []map[int32]bool) (float64, error) {
	queries := make([]float32, 0, len(rows)*y.Cols)
	for _, row := range rows {
		queries = append(queries, y.Data[row*y.Cols:(row+1)*y.Cols]...)
	}
	g, err := tsne.ExactNeighbors{}.Nearest(ctx, y.Data, y.Rows, queries, len(rows), kept+1)
	if err != nil {
		return 0, err
	}
	count := 0
	for i, row := range rows {
		// the row itself is among them, if its point has no more than kept others on it
		left := kept
		for _, j := range g.Index[i*g.K : (i+1)*g.K] {
			if int(j) != row && left > 0 {
				left--
				if near[i][j] {
					count++
				}
			}
		}
	}
	return float64(count) / float64(len(rows)*kept), nil
}
