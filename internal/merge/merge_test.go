package merge

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"testing"
)

func TestMergingKeepsTheOrderAndStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	list := func(err error, numbers ...int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for _, n := range numbers {
				if !yield(n, nil) {
					return
				}
			}
			if err != nil {
				yield(0, err)
			}
		}
	}
	rows := []struct {
		says  string
		lists []iter.Seq2[int, error]
		want  []int
		err   error
	}{
		{"no lists", nil, nil, nil},
		{"empty lists", []iter.Seq2[int, error]{list(nil), list(nil)}, nil, nil},
		{"interleaved", []iter.Seq2[int, error]{list(nil, 1, 4, 6), list(nil), list(nil, 2, 3, 7)}, []int{1, 2, 3, 4, 6, 7}, nil},
		{"an error after some", []iter.Seq2[int, error]{list(broken, 1), list(nil, 2, 3)}, []int{1}, broken},
		{"an error at once", []iter.Seq2[int, error]{list(nil, 1), list(broken)}, nil, broken},
	}
	for _, row := range rows {
		var got []int
		var failed error
		for n, err := range Ordered(cmp.Compare[int], row.lists...) {
			if err != nil {
				failed = err
				continue
			}
			got = append(got, n)
		}
		if !slices.Equal(got, row.want) || !errors.Is(failed, row.err) {
			t.Errorf("%s: %v %v, want %v %v", row.says, got, failed, row.want, row.err)
		}
	}
	for n, err := range Ordered(cmp.Compare[int], list(nil, 1, 2), list(nil, 3)) {
		if n == 2 || err != nil {
			break // the lists must end with the reader
		}
	}
}
