package main

import (
	"fmt"
	"strings"
)

// target is what must hold in one run: a ratio of remesa's value to a peer's, or a value of its own
// where there is no peer. atMost: less is better.
type target struct {
	what   string
	a, b   key // b without a contender: none
	must   float64
	atMost bool
}

func targets() []target {
	rate := func(mode, contender string) key { return key{partThroughput, mode, contender, rowRate} }
	over := func(mode, peer string, must float64) target {
		return target{what: mode + ": payouts a second, of " + peer + "'s", a: rate(mode, nameRemesa), b: rate(mode, peer), must: must}
	}
	all := []target{
		over(everysec, nameAsynq, 1.2), over(everysec, nameAsynq8, 1.0), over(everysec, nameNaive, 1.7),
		over(everysec, nameRiver, 2.5), over(everysec, nameRiverTx, 2.5), over(everysec, nameBull, 1.4),
		over(always, nameAsynq, 2.5), over(always, nameAsynq8, 1.0),
		over(always, nameRiver, 2.2), over(always, nameRiverTx, 2.2), over(always, nameBull, 1.3),
	}
	for _, mode := range []string{everysec, always} {
		of := func(contender, row string) key { return key{partThroughput, mode, contender, row} }
		all = append(all,
			target{mode + ": worker's processor, of " + nameLedger + "'s", of(nameRemesa, rowWorker), of(nameLedger, rowWorker), 0.50, true},
			target{mode + ": Redis' processor, of " + nameAsynq + "'s", of(nameRemesa, rowStore), of(nameAsynq, rowStore), 1.0, true},
			target{mode + ": worker's memory, MB", of(nameRemesa, rowMemory), key{}, 60, true},
			target{mode + ": payouts that arrived twice", of(nameRemesa, rowDuplicates), key{}, 0, true},
			target{mode + ": lines a second enqueued, of asynq's Client with 32 callers", key{partEnqueue, mode, nameRemesa, rowLines},
				key{partEnqueue, mode, nameAsynq, rowLines}, 1.0, false},
			target{mode + ": memory of enqueue, MB", key{partEnqueue, mode, nameRemesa, rowEnqueueMemory}, key{}, 100, true},
			target{mode + ": share of in flight / latency at a slow provider", key{partInFlight, mode, nameRemesa, rowShare}, key{}, 0.90, false})
	}
	for _, row := range []string{rowP50, rowP99} {
		all = append(all, target{"500 a second: " + row + ", of asynq's that checks every 5 ms", key{partLatency, "500 a second", nameRemesa, row},
			key{partLatency, "500 a second", nameAsynqFast, row}, 1.0, true})
	}
	return append(all,
		target{"idle, one provider: commands a second", key{partIdle, "one provider", nameRemesa, rowIdleCommands}, key{}, 10, true},
		target{"idle, five providers: commands a second", key{partIdle, "five providers", nameRemesa, rowIdleCommands}, key{}, 50, true},
		target{"idle, five providers: worker, % of a core", key{partIdle, "five providers", nameRemesa, rowIdleWorker}, key{}, 1, true})
}

// targetsTable says of each target whether it is met.
func (b *bench) targetsTable(t *strings.Builder) {
	fmt.Fprintf(t, "\n## Targets\n\n| | must be | is | |\n|---|---:|---:|---|\n")
	for _, g := range targets() {
		values := b.results.values[g.a]
		if g.b.contender != "" {
			values = b.results.ratios(g.a, g.b)
		}
		v, ok := median(values)
		if !ok {
			continue
		}
		sign, met := "≥", v >= g.must
		if g.atMost {
			sign, met = "≤", v <= g.must
		}
		word := "met"
		if !met {
			word = "**not met**"
		}
		fmt.Fprintf(t, "| %s | %s %.2f | %.2f | %s |\n", g.what, sign, g.must, v, word)
	}
}
