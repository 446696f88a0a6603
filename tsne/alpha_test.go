package tsne

import (
	"math"
	"testing"
)

// openTSNE's divergence and gradient with a degree of freedom; and the tree's stay near.
func TestAlphaAgainstOpenTSNE(t *testing.T) {
	f := readFeatures(t)
	a := testAffinities(t, goldenRows(t, readGolden(t)), 100, 31, 10)
	p := newPool(2)
	defer p.close()
	for alpha, text := range map[float64]string{0.5: "0.5", 0.8: "0.8", 2: "2.0"} {
		want, ok := f.Alpha[text]
		if !ok {
			t.Fatal("no golden for", text)
		}
		for _, theta := range []float64{0, 0.3} {
			z := newField(p, a.joint(), f.Y, 2, theta, theta == 0)
			z.stretch(alpha)
			z.compute(true)
			g := z.gradient(2)
			for i := range g {
				g[i] *= math.Sqrt(alpha) // of the points, not of the field's coordinates
			}
			tol := 1e-5 + theta*theta/10
			if e := relativeError(g, want.Gradient); e > tol {
				t.Errorf("alpha %v, theta %v: the gradient is off by %v", alpha, theta, e)
			}
			if kl := z.divergence(); math.Abs(kl-want.KL) > tol*want.KL {
				t.Errorf("alpha %v, theta %v: KL is %v: want %v", alpha, theta, kl, want.KL)
			}
			for i, v := range z.positions(nil, 2) {
				if math.Abs(float64(v-f.Y[i])) > 1e-5 {
					t.Fatalf("alpha %v: position %d is %v: want %v", alpha, i, v, f.Y[i])
				}
			}
		}
	}
}

// The kernels of alpha 1 are those of any alpha at 1, in the plane and in space.
func TestAlphaOneAgrees(t *testing.T) {
	y := normalRows(groupSize+50, 3, 9)
	var px, py, pz [groupSize]float32
	var b bodies
	for i := range len(y) / 3 {
		if i < groupSize {
			px[i], py[i], pz[i] = y[3*i], y[3*i+1], y[3*i+2]
		} else {
			b.x, b.y, b.z, b.m = append(b.x, y[3*i]), append(b.y, y[3*i+1]), append(b.z, y[3*i+2]),
				append(b.m, float32(i))
		}
	}
	near := func(a, b *interaction) bool {
		for i := range groupSize {
			for c := range 3 {
				if math.Abs(float64(a.f[c][i]-b.f[c][i])) > 1e-4*float64(a.q[i]) {
					return false
				}
			}
			if math.Abs(float64(a.q[i]-b.q[i])) > 1e-5*float64(a.q[i]) {
				return false
			}
		}
		return true
	}
	var plane, space, any2, any3 interaction
	repel2Go(&plane, &px, &py, &b, 0, 50)
	repelAlpha(&any2, &px, &py, nil, &b, 0, 50, 1)
	repel3Go(&space, &px, &py, &pz, &b, 0, 50)
	repelAlpha(&any3, &px, &py, &pz, &b, 0, 50, 1)
	if !near(&plane, &any2) || !near(&space, &any3) {
		t.Error("other forces")
	}
}

func TestExpApprox(t *testing.T) {
	if expApprox(0) != 1 || expApprox(-100) != 0 {
		t.Errorf("exp(0) is %v, exp(-100) %v", expApprox(0), expApprox(-100))
	}
	for x := float32(0); x > -87; x -= 0.0137 {
		want := math.Exp(float64(x))
		if e := math.Abs(float64(expApprox(x))/want - 1); e > 2e-7 {
			t.Fatalf("exp(%v) is off by %v", x, e)
		}
	}
}
