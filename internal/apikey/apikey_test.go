package apikey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/redistest"
)

func TestAScopeIsOneThatThereIs(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"read": true, "settle": true, "submit": true, "submit:virtualpos": true, "submit:virtualpos/second-1": true,
		"": false, "write": false, "submit:": false, "submit:nobody": false, "submit:virtualpos/": false, "submit:virtualpos/A": false, "read:virtualpos": false, "submit:virtualpos/a/b": false,
	} {
		if s, err := apikey.ParseScope(text, []string{"virtualpos"}); (err == nil) != good || good && string(s) != text {
			t.Errorf("%q: %q %v", text, s, err)
		}
	}
}

func TestAKeyMaySubmitForWhatItsScopesName(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		scope                      apikey.Scope
		any, first, second, others bool
	}{
		{apikey.Read, false, false, false, false}, {apikey.Settle, false, false, false, false}, {apikey.Submit, true, true, true, true},
		{"submit:virtualpos", true, true, true, false}, {"submit:virtualpos/second", true, false, true, false},
	} {
		k := apikey.Key{Scopes: []apikey.Scope{row.scope}}
		got := []bool{k.MaySubmitAnything(), k.MaySubmit("virtualpos", "default"), k.MaySubmit("virtualpos", "second"), k.MaySubmit("virtualpos2", "second")}
		want := []bool{row.any, row.first, row.second, row.others}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", row.scope, got, want)
			}
		}
		if k.MayRead() != (row.scope == apikey.Read) || k.MaySettle() != (row.scope == apikey.Settle) {
			t.Errorf("%s: read %t, settle %t", row.scope, k.MayRead(), k.MaySettle())
		}
	}
}

func TestAKeyIsFoundByItsTextAlone(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	s, ctx := apikey.NewStore(rdb), t.Context()
	if _, err := s.Find(ctx, "x"); !errors.Is(err, apikey.ErrNone) || !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("without any key: %v", err)
	}
	k, secret, err := s.Create(ctx, "shop 1", []apikey.Scope{apikey.Read})
	if err != nil {
		t.Fatal(err)
	}
	text := secret.Reveal()
	if len(text) != len("remesa_")+12+1+43 || !strings.HasPrefix(text, "remesa_"+k.ID+"_") {
		t.Errorf("a text of %d characters", len(text))
	}
	found, err := s.Find(ctx, text)
	if err != nil || found.ID != k.ID || found.Name != "shop 1" || !found.MayRead() || time.Since(found.Created) > time.Hour {
		t.Errorf("%+v %v", found, err)
	}
	other := strings.Replace(text, text[len(text)-1:], map[bool]string{true: "B", false: "A"}[strings.HasSuffix(text, "A")], 1)
	for _, wrong := range []string{"", "x", text[:len(text)-1], text + "A", other, strings.Replace(text, k.ID, "000000000000", 1), k.Hash} {
		if wrong == text {
			continue
		}
		if _, err := s.Find(ctx, wrong); !errors.Is(err, apikey.ErrUnknown) || errors.Is(err, apikey.ErrNone) {
			t.Errorf("a wrong text: %v", err)
		}
	}
	stored, err := rdb.HGetAll(ctx, "remesa:{api}:keys").Result()
	if err != nil || strings.Contains(stored[k.ID], text[20:]) || !strings.Contains(stored[k.ID], k.Hash) {
		t.Errorf("stored: %v", err)
	}
	for range 2 {
		if _, err := s.Revoke(ctx, k.ID); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Find(ctx, text); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("a revoked one: %v", err)
	}
	if _, err := s.Revoke(ctx, "none"); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("revoking none: %v", err)
	}
	if all, err := s.List(ctx); err != nil || len(all) != 1 || all[0].Revoked.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	if err := rdb.HSet(ctx, "remesa:{api}:keys", k.ID, "{").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(ctx, text); err == nil || errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("a damaged record: %v", err)
	}
}
