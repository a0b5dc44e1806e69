package engine

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// TestAKeptReportIsWhatWasReported: every field that a report has, and will have, found by
// reflection, but those that are not kept.
func TestAKeptReportIsWhatWasReported(t *testing.T) {
	t.Parallel()
	n := 0
	for _, s := range []*sentReport{
		{at: time.UnixMilli(1)},
		{owned: filled[ownedAttempt](&n), at: time.UnixMilli(2), epoch: 3},
		{owned: filled[ownedAttempt](&n), result: new(filled[idempotency.AttemptResult](&n)), at: time.UnixMilli(4), epoch: 5},
		{result: &idempotency.AttemptResult{Outcome: providers.Outcome{ProviderRefs: map[string]string{}}}, at: time.UnixMilli(6)},
	} {
		s.owned.registered.Payload = nil
		if s.result != nil {
			s.result.Begin, s.result.Outcome.Echo = nil, providers.Echo{}
		}
		if got := s.pack().unpack(); !reflect.DeepEqual(got, s) {
			t.Errorf("was %+v\nis  %+v\nresult %+v\nis     %+v", s, got, s.result, got.result)
		}
	}
}

// filled is a value in which every field has a value of its own.
func filled[T any](n *int) T {
	var v T
	fillAll(reflect.ValueOf(&v).Elem(), n)
	return v
}

func fillAll(v reflect.Value, n *int) {
	*n++
	v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem() // of an unexported field, too
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMilli(1_700_000_000_000 + int64(*n)).UTC()))
	case v.Type() == reflect.TypeFor[*idempotency.Snapshot](): // not kept
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i), n)
		}
	case v.Kind() == reflect.String:
		v.SetString("text ñ " + strconv.Itoa(*n))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Int64:
		v.SetInt(int64(*n) << 40)
	case v.Type() == reflect.TypeFor[[]int64]():
		v.Set(reflect.ValueOf([]int64{int64(*n), -1, 1 << 60}))
	case v.Type() == reflect.TypeFor[[]byte](): // the payload is not kept
	case v.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"order": strconv.Itoa(*n), "token": ""}))
	default:
		panic("a report has a field of type " + v.Type().String())
	}
}

func TestReportsAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	var r sentReports
	report := func(id string, at time.Time) { r.remember(sentReport{owned: ownedAttempt{id: id, epoch: 1}, at: at}) }
	ids := func() (all []string) {
		for _, s := range r.unconfirmed(2) {
			all = append(all, s.owned.id)
		}
		return all
	}
	began := time.UnixMilli(1_700_000_000_000)
	report("a", began)
	report("b", began.Add(time.Second))
	if got := ids(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	r.unconfirmed(2)[0].confirmed(2)
	if got := ids(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("after the first was confirmed: %q", got)
	}
	report("c", began.Add(keepReports+time.Second))
	if got := ids(); !slices.Equal(got, []string{"b", "c"}) || len(r.list) != 2 {
		t.Errorf("after a while: %q of %d", got, len(r.list))
	}
}
