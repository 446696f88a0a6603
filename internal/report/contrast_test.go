package report

import (
	"math"
	"regexp"
	"strings"
	"testing"
)

// Text and controls keep WCAG 2 AA contrast in both themes, and the dark theme is
// the same whether the system or the button asks for it.
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("page/page.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s)--ground:.*?color-scheme`).FindAllString(string(css), 3)
	if strings.Join(strings.Fields(blocks[1]), " ") != strings.Join(strings.Fields(blocks[2]),
		" ") {
		t.Error("the two dark themes differ")
	}
	for i, theme := range []string{"light", "dark"} {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(blocks[i], -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		for _, ground := range []string{"ground", "raised", "sunk"} {
			for ink, least := range map[string]float64{
				"ink": 4.5, "quiet": 4.5, "accent": 4.5, "good": 4.5, "bad": 4.5, "edge": 3,
				"s0": 3, "s1": 3, "s2": 3, "s3": 3,
			} {
				if c := contrast(colour[ink], colour[ground]); c < least {
					t.Errorf("%s: --%s on --%s has contrast %.2f, want %v", theme, ink, ground, c,
						least)
				}
			}
		}
		if c := contrast(colour["on-accent"], colour["accent"]); c < 4.5 {
			t.Errorf("%s: --on-accent on --accent has contrast %.2f", theme, c)
		}
	}
}

// luminance is WCAG 2's relative luminance of #rrggbb.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb := parseHex(t, hex)
	l := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v := float64(rgb[i]) / 255
		if v <= 0.04045 {
			l += weight * v / 12.92
		} else {
			l += weight * math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return l
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
