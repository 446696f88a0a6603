package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"latent/internal/run"
	"latent/internal/train"
)

// printJSON writes one JSON object.
func printJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table writes rows of cells in columns.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

func percent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

// accuracyRows are the rows of an accuracy table, spaces in their usual order.
func accuracyRows(title string, accuracy map[string]run.Splits) [][]string {
	rows := [][]string{{title, "train", "test"}}
	for _, space := range spaces {
		if a, ok := accuracy[space]; ok {
			rows = append(rows, splitsRow(space, a))
		}
	}
	return rows
}

var spaces = []string{run.Original, run.Reconstruction, run.Contrastive}

func splitsRow(name string, s run.Splits) []string {
	return []string{name, percent(s.Train), percent(s.Test)}
}

// printMetrics shows a folder's metrics.
func printMetrics(w io.Writer, m train.Result, notes []string) error {
	if len(m.Accuracy) > 0 {
		if err := table(w, accuracyRows("nearest centroid", m.Accuracy)); err != nil {
			return err
		}
	}
	if len(m.Cosine) > 0 {
		fmt.Fprintln(w)
		if err := table(w, accuracyRows("nearest centroid, cosine", m.Cosine)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Scores)) {
		fmt.Fprintln(w)
		if err := table(w, accuracyRows(name, m.Scores[name])); err != nil {
			return err
		}
	}
	rows := [][]string{{"mean squared error", "train", "test"}}
	for _, space := range spaces[1:] {
		if e, ok := m.MSE[space]; ok {
			rows = append(rows,
				[]string{space, fmt.Sprintf("%.5f", e.Train), fmt.Sprintf("%.5f", e.Test)})
		}
	}
	if len(m.Accuracy) > 0 {
		fmt.Fprintln(w)
	}
	if err := table(w, rows); err != nil {
		return err
	}
	rows = [][]string{{"t-SNE", "KL", "iterations", "seconds"}}
	for _, space := range spaces {
		if t, ok := m.TSNE[space]; ok {
			rows = append(rows,
				[]string{space, fmt.Sprintf("%.4f", t.KL), fmt.Sprint(t.Iterations),
					fmt.Sprintf("%.1f", t.Seconds)})
		}
	}
	if len(rows) > 1 {
		fmt.Fprintln(w)
		if err := table(w, rows); err != nil {
			return err
		}
	}
	for _, note := range notes {
		fmt.Fprintln(w, "\nNote: "+note)
	}
	return nil
}

// command is the call as one would type it.
func command(args []string) string {
	words := make([]string, len(args))
	for i, word := range args {
		words[i] = quote(word)
	}
	return strings.Join(words, " ")
}

// quote makes a word of a shell command.
func quote(word string) string {
	if !strings.ContainsAny(word, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
