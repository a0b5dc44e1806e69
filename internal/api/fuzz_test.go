package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/internal/apikey"
)

// oneKey lets everybody do everything.
type oneKey struct{}

func (oneKey) Find(context.Context, string) (apikey.Key, error) {
	return apikey.Key{ID: "0", Name: "fuzz", Scopes: []apikey.Scope{apikey.Submit, apikey.Read, apikey.Settle}}, nil
}

// TestMalformedRequestsAreRefused: 20,000 requests that are made of the description, each with one
// thing wrong, are refused by a 4xx (in a file: by its line), and leave nothing behind.
func TestMalformedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	const requests, workers, seed = 20_000, 4, 4711
	w := newFixture(t, func(o *Options) { o.Keys = oneKey{} })
	before, err := w.rdb.DBSize(t.Context()).Result()
	w.must(err)
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			f := newFuzzer(t, seed, uint64(n))
			for range requests / workers {
				what, r := f.request()
				reply := httptest.NewRecorder()
				w.api.ServeHTTP(reply, r)
				if !refused(reply) {
					t.Errorf("seed %d: %s: %s %s: %d %s", seed, what, r.Method, r.URL, reply.Code, reply.Body)
					return
				}
			}
		})
	}
	all.Wait()
	after, err := w.rdb.DBSize(t.Context()).Result()
	w.must(err)
	if after != before {
		t.Errorf("they left %d keys behind", after-before)
	}
}

func refused(r *httptest.ResponseRecorder) bool {
	if r.Code == http.StatusOK && r.Header().Get("Content-Type") == linesMedia {
		lines := strings.Count(r.Body.String(), "\n")
		return strings.Count(r.Body.String(), `"result":"invalid"`)+strings.Count(r.Body.String(), `"result":"stopped"`) == lines
	}
	return r.Code >= 400 && r.Code < 500
}

// fuzzer makes malformed requests, the same for the same seed.
type fuzzer struct {
	*rand.Rand
	operations []operation
	bodies     map[string][]any // by path: the examples of the description
}

func newFuzzer(t *testing.T, seed, stream uint64) *fuzzer {
	t.Helper()
	f := &fuzzer{Rand: rand.New(rand.NewPCG(seed, stream)), bodies: map[string][]any{}}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Examples map[string]struct{ Value any }
				}
			}
		}
	}
	if err := json.Unmarshal(docs.OpenAPI(), &doc); err != nil {
		t.Error(err)
	}
	for path, methods := range doc.Paths {
		examples := methods["post"].RequestBody.Content[jsonMedia].Examples
		for _, name := range slices.Sorted(maps.Keys(examples)) {
			f.bodies[path] = append(f.bodies[path], examples[name].Value)
		}
	}
	for _, op := range operations() {
		if op.scope != "" {
			f.operations = append(f.operations, op)
		}
	}
	return f
}

func one[T any](f *fuzzer, all []T) T { return all[f.IntN(len(all))] }

func (f *fuzzer) word() string {
	text := make([]byte, 1+f.IntN(12))
	for i := range text {
		text[i] = "abcdefghij<>%\"{}_/\\\x7f"[f.IntN(20)]
	}
	return string(text)
}

// request is one with one thing wrong, and what.
func (f *fuzzer) request() (string, *http.Request) {
	op := one(f, f.operations)
	if op.body == "" {
		return f.withoutBody(op)
	}
	path := strings.NewReplacer("{key}", "virtualpos%2Fnone", "{id}", "none").Replace(op.path)
	body := one(f, f.bodies[op.path])
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	what, media := "", jsonMedia
	switch f.IntN(10) {
	case 0:
		what, text = "cut off", text[:f.IntN(len(text)-1)]
	case 1:
		i := f.IntN(len(text))
		what, text = "a control character", slices.Insert(slices.Clone(text), i, 1)
	case 2:
		i := f.IntN(len(text))
		what, text = "no UTF-8", slices.Insert(slices.Clone(text), i, 0xff)
	case 3:
		what, media = "another type of body", one(f, []string{"text/plain", "application/xml", "x", "application/json; charset=utf-16", "multipart/form-data"})
	case 4:
		what, text = "two values", append(append(slices.Clone(text), ' '), text...)
	case 5:
		what, text = "no object", []byte(one(f, []string{"[]", "null", "7", `"x"`, "true", "", " ", "[" + string(text) + "]"}))
	case 6:
		what, text = "a name twice", []byte(strings.Replace(string(text), "{", `{"amount":"1","amount":"1",`, 1))
	default:
		what, text = f.mutated(text)
	}
	if op.lines && media == jsonMedia && len(text) > 0 && f.IntN(3) == 0 {
		media = linesMedia
	}
	r := httptest.NewRequest(op.method, path, strings.NewReader(string(text)))
	r.Header.Set("Content-Type", media)
	return what, r
}

// mutated has a field too many, or one whose value it cannot have.
func (f *fuzzer) mutated(text []byte) (string, []byte) {
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		panic(err)
	}
	what := "an unknown field"
	if f.IntN(3) == 0 {
		root["zz"+f.word()] = f.word()
	} else {
		object, name := f.leaf(root)
		what = "another value of " + name
		switch object[name].(type) {
		case string:
			object[name] = one(f, []any{7, true, []any{}, map[string]any{}, strings.Repeat("x", 10_000), map[string]any{"a": []any{nil}}, "\u0000"})
		default:
			object[name] = one(f, []any{f.word(), []any{map[string]any{}}, map[string]any{"x": 1}, -1.5})
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return what, out
}

// leaf is a field of the body, or of an object in it.
func (f *fuzzer) leaf(root map[string]any) (map[string]any, string) {
	name := one(f, slices.Sorted(maps.Keys(root)))
	if inner, ok := root[name].(map[string]any); ok && len(inner) > 0 && f.IntN(3) > 0 {
		return f.leaf(inner)
	}
	return root, name
}

// withoutBody has an address or a parameter that there is not.
func (f *fuzzer) withoutBody(op operation) (string, *http.Request) {
	path := strings.NewReplacer("{key}", url.PathEscape("none/"+f.word()), "{id}", url.PathEscape("none"+f.word())).Replace(op.path)
	if path != op.path {
		return "no such key", httptest.NewRequest(op.method, path, nil)
	}
	if len(op.parameters) == 0 || f.IntN(4) == 0 {
		return "no such address", httptest.NewRequest(one(f, []string{"GET", "POST", "DELETE", "PATCH"}), "/v1/"+url.PathEscape("none"+f.word()), nil)
	}
	p := one(f, op.parameters)
	value := f.word() + "%"
	if f.IntN(2) == 0 {
		return "no such parameter", httptest.NewRequest(op.method, fmt.Sprintf("%s?x%s=1", path, url.QueryEscape(f.word())), nil)
	}
	return "a wrong parameter", httptest.NewRequest(op.method, path+"?"+p.name+"="+url.QueryEscape(value), nil)
}
