package engine

import (
	"reflect"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// What is kept of a report is all of it, a field that is added later included.
func TestAReportIsKeptWhole(t *testing.T) {
	t.Parallel()
	whole := sentReport{result: &idempotency.AttemptResult{}}
	fill(reflect.ValueOf(&whole.owned).Elem())
	fill(reflect.ValueOf(whole.result).Elem())
	whole.at, whole.epoch = time.Now(), 7
	released, empty := whole, sentReport{owned: ownedAttempt{sequences: []int64{}}, result: &idempotency.AttemptResult{}}
	released.result = nil
	for _, s := range []sentReport{whole, released, empty} {
		want := s
		want.owned.registered.Payload = nil
		if s.result != nil {
			result := *s.result
			result.Begin, result.Outcome.Echo = nil, providers.Echo{} // what a report has not
			want.result = &result
		}
		if got := keep(s).report(); !reflect.DeepEqual(*got, want) {
			t.Errorf("kept as\n%+v, result %+v, want\n%+v, result %+v", *got, got.result, want, want.result)
		}
	}
}

// fill gives every field another value than zero.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Elem()
		switch {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Date(2026, 5, 15, 9, 0, 0, i+1, time.UTC)))
		case f.Kind() == reflect.Struct:
			fill(f)
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.CanInt():
			f.SetInt(int64(-i - 1))
		case f.Kind() == reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"a": "b", "c": ""}))
		case f.Type() == reflect.TypeFor[[]int64]():
			f.Set(reflect.ValueOf([]int64{1, 1 << 40}))
		}
	}
}
