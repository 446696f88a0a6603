package tsne

import (
	"fmt"
	"math"
)

// Schedule selects the optimiser's learning rate, momentum and number of iterations.
type Schedule int

const (
	// ScheduleAuto reaches a lower divergence than ScheduleScikitLearn in about a third of
	// the iterations. The learning rate is n / (4 EarlyExaggeration) while the attraction
	// is exaggerated and grows to n after that, as openTSNE's does (Belkina et al. 2019 argue
	// for n / exaggeration); momentum is 0.9, and 0.95 once the rate has grown. No point moves
	// farther than √n / 60 in one iteration. docs/tsne.md tells how it was found.
	ScheduleAuto Schedule = iota
	// ScheduleScikitLearn is that of scikit-learn's TSNE: a constant learning rate, momentum
	// 0.5 during the exaggeration and 0.8 after it. ScikitLearnOptions has its iterations.
	ScheduleScikitLearn
)

// String returns the schedule's name as ParseSchedule reads it.
func (s Schedule) String() string {
	switch s {
	case ScheduleAuto:
		return "auto"
	case ScheduleScikitLearn:
		return "scikit-learn"
	}
	return fmt.Sprintf("Schedule(%d)", int(s))
}

// ParseSchedule returns the schedule with the given name, "auto" or "scikit-learn".
func ParseSchedule(name string) (Schedule, error) {
	for _, s := range []Schedule{ScheduleAuto, ScheduleScikitLearn} {
		if name == s.String() {
			return s, nil
		}
	}
	return 0, fmt.Errorf("tsne: unknown schedule %q: want %q or %q", name, ScheduleAuto,
		ScheduleScikitLearn)
}

// plan is what a schedule makes of the options for n rows.
type plan struct {
	iterations, exaggerated int
	rate                    [2]float64 // while exaggerated, and at the end of growth
	momentum                [3]float64 // while exaggerated, while the rate grows, and after that
	growth                  int        // iterations after the exaggeration in which the rate grows
	maxStep                 float32    // the farthest that a point moves in one iteration
}

// autoExaggerated is ScheduleAuto's number of exaggerated iterations. What its numbers do, and
// what others did to the maps, is in docs/tsne.md.
const autoExaggerated = 80

// autoIterations is 340 for 20,000 rows. More rows settle more slowly, until, above 100,000, an
// iteration costs more than it gains: 350 for a million. Of few rows it costs next to nothing.
func autoIterations(n int) int {
	rows := float64(n)
	return max(500-n/50, int(min(340+float64(45*log(rows/20000)), 340+1e7/rows)))
}

// autoGrowth is 100 up to 100,000 rows and 50 from 200,000 on, so that the fewer iterations
// are taken at the full rate.
func autoGrowth(n int) int { return int(min(max(1e7/float64(n), 50), 100)) }

func newPlan(o Options, n int) plan {
	size := float64(n)
	if o.Schedule == ScheduleScikitLearn {
		rate := o.LearningRate
		if rate == 0 {
			rate = max(size/o.EarlyExaggeration/4, 50)
		}
		return plan{
			iterations: o.Iterations, exaggerated: o.ExaggerationIterations,
			rate: [2]float64{rate, rate}, momentum: [3]float64{0.5, 0.8, 0.8}, maxStep: infinity,
		}
	}
	p := plan{
		iterations: o.Iterations, exaggerated: o.ExaggerationIterations,
		rate: [2]float64{size / (4 * o.EarlyExaggeration), size / o.LateExaggeration},
		momentum: [3]float64{0.9, 0.9,
			0.95}, growth: autoGrowth(n), maxStep: float32(math.Sqrt(size) / 60),
	}
	if o.LearningRate > 0 {
		p.rate = [2]float64{o.LearningRate, o.LearningRate}
	}
	own := autoIterations(n)
	if p.iterations == 0 {
		p.iterations = own
	}
	if p.exaggerated == 0 {
		// Where fewer iterations are asked for, each phase keeps its share of them.
		short := min(1, float64(p.iterations)/float64(own))
		p.exaggerated = int(math.Ceil(autoExaggerated * short))
		p.growth = int(math.Ceil(float64(p.growth) * short))
	}
	return p
}

// at returns learning rate and momentum of iteration i of a phase, counted from 0.
func (p *plan) at(phase, i int) (rate, momentum float32) {
	switch {
	case phase == 0:
		return float32(p.rate[0]), float32(p.momentum[0])
	case i >= p.growth:
		return float32(p.rate[1]), float32(p.momentum[2])
	}
	grown := float64(i+1) / float64(p.growth)
	return float32(p.rate[0] * power(p.rate[1]/p.rate[0], grown)), float32(p.momentum[1])
}

// shorten scales the steps just taken that are longer than most to that length. One a
// million times too long has left nothing of the position in float32: that becomes NaN, for
// Step to report.
func shorten(pos, speed []float32, stride int, most float32) {
	for i := 0; i < len(pos); i += stride {
		var squares float64
		for _, v := range speed[i : i+stride] {
			squares += float64(float64(v) * float64(v))
		}
		if squares <= float64(most)*float64(most) {
			continue
		}
		scale := float64(most) / math.Sqrt(squares)
		if !(scale > 1e-6) {
			scale = math.NaN()
		}
		for c := i; c < i+stride; c++ {
			step := float32(float64(speed[c]) * scale)
			pos[c] -= speed[c] - step
			speed[c] = step
		}
	}
}
