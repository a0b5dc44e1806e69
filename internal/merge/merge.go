// Package merge reads ordered lists, such as one of each provider, as one.
package merge

import "iter"

// Ordered yields the elements of ordered lists in one order, holding one element of each. It ends
// with the first error.
func Ordered[T any](compare func(a, b T) int, lists ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var heads []*head[T]
		for _, l := range lists {
			next, stop := iter.Pull2(l)
			defer stop()
			h := &head[T]{next: next}
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			i := least(compare, heads)
			h := heads[i]
			if !yield(h.value, h.err) || h.err != nil {
				return
			}
			if !h.advance() {
				heads = append(heads[:i], heads[i+1:]...)
			}
		}
	}
}

// head is the next element of one list.
type head[T any] struct {
	next  func() (T, error, bool)
	value T
	err   error
}

func (h *head[T]) advance() bool {
	var ok bool
	h.value, h.err, ok = h.next()
	return ok
}

// least is the place of the first head; an error comes before everything.
func least[T any](compare func(a, b T) int, heads []*head[T]) int {
	first := 0
	for i, h := range heads {
		if h.err != nil {
			return i
		}
		if compare(h.value, heads[first].value) < 0 {
			first = i
		}
	}
	return first
}
