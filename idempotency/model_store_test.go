package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/redis/go-redis/v9"
)

// modelRaw is a record as it stands in the store, with what no operator is shown.
type modelRaw struct {
	State     State     `json:"s"`
	Version   int64     `json:"v"`
	Owner     string    `json:"o"`
	LeaseEnd  int64     `json:"le"`
	Attempts  [][3]any  `json:"at"`
	Provider  string    `json:"pi"`
	Code      string    `json:"co"`
	Evidence  *string   `json:"ev"`
	AskAfter  int       `json:"ea"`
	NotFounds int       `json:"nf"`
	Counted   *int64    `json:"nl"`
	Refusal   *int64    `json:"rf"`
	Resent    int       `json:"rs"`
	Risk      int       `json:"rk"`
	NotAgain  int64     `json:"na"`
	WatchTill int64     `json:"wu"`
	Anomaly   *struct{} `json:"an"`

	due  int64 // -1 for none
	text string
}

func (l *Redis) modelRead(ctx context.Context, k Key) (modelRaw, error) {
	pipe := l.rdb.Pipeline()
	text := pipe.Get(ctx, recordKey(k))
	due := pipe.ZScore(ctx, prefix(k.Provider)+"due", k.id())
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return modelRaw{}, err
	}
	r := modelRaw{due: -1, text: text.Val()}
	if due.Err() == nil {
		r.due = int64(due.Val())
	}
	return r, json.Unmarshal([]byte(r.text), &r)
}

// roundTrips reports whether the record survives decoding and encoding, with lists still lists.
func (r modelRaw) roundTrips() error {
	var once, twice map[string]any
	if err := json.Unmarshal([]byte(r.text), &once); err != nil {
		return err
	}
	b, err := json.Marshal(once)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &twice); err != nil {
		return err
	}
	if !reflect.DeepEqual(once, twice) {
		return errors.New("the record changes when it is read and written")
	}
	for _, list := range []string{"at", "h"} {
		if v, ok := once[list]; ok {
			if _, isList := v.([]any); !isList {
				return fmt.Errorf("%s is no list", list)
			}
		}
	}
	return nil
}

func (r modelRaw) attempt(i int) (id string, end int64, fate string) {
	end, _ = asInt(r.Attempts[i][1])
	return r.Attempts[i][0].(string), end, r.Attempts[i][2].(string)
}

func asInt(v any) (int64, bool) {
	f, ok := v.(float64)
	return int64(f), ok
}

// essence is what a version stands for: state, outcome and attempts. A late "in doubt" moves an attempt's end and nothing else, and
// what a status answer said of an attempt its own report may confirm.
func (r modelRaw) essence() string {
	var attempts []string
	for i := range r.Attempts {
		id, _, fate := r.attempt(i)
		attempts = append(attempts, id+strings.NewReplacer("~", "=", "R", "r").Replace(fate))
	}
	return fmt.Sprint(r.State, r.Owner, r.LeaseEnd, attempts, r.Provider, r.Code, r.Evidence != nil, r.AskAfter, r.Anomaly != nil)
}

func modelName(kind string, n uint8) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s%d", kind, n)
}

// modelDiff says where the store's record differs from the model's.
func modelDiff(m modelRecord, r modelRaw) string {
	var d []string
	differ := func(what string, want, got any) {
		if want != got {
			d = append(d, fmt.Sprintf("%s: model %v, store %v", what, want, got))
		}
	}
	differ("state", m.state, r.State)
	differ("owner", modelName("a", m.owner), r.Owner)
	differ("lease end", m.leaseEnd, r.LeaseEnd)
	differ("provider id", modelName("P", m.pid), r.Provider)
	differ("anomaly", m.anomaly, r.Anomaly != nil)
	differ("late success kept", m.evidence.succeeded, r.Evidence != nil)
	if r.Evidence != nil {
		differ("id of the late success", modelName("P", m.evidence.pid), *r.Evidence)
	}
	differ("ask before sending again", m.evidence.pending, r.AskAfter == 1)
	differ("not-founds", m.notFounds, r.NotFounds)
	differ("counted", m.counted, orMinus(r.Counted))
	differ("refusal read", m.refusal, orMinus(r.Refusal))
	differ("resends", m.resent, r.Resent)
	differ("risk", m.risk, r.Risk == 1)
	differ("not again before", m.notAgain, r.NotAgain)
	differ("attempts", m.n, len(r.Attempts))
	for i := range min(m.n, len(r.Attempts)) {
		id, end, fate := r.attempt(i)
		a := m.at[i]
		want := string(rune(a.fate))
		if a.fate.known() {
			want += modelName("P", a.pid)
		}
		differ(id+"'s id", modelName("a", a.id), id)
		differ(id+"'s fate", want, fate)
		differ(id+"'s end", a.end, end)
	}
	return strings.Join(d, "\n")
}

func orMinus(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}
