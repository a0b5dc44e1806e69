package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestObjectsAreReadByExactName(t *testing.T) {
	t.Parallel()
	o, ok := ReadObject([]byte(`{"text":"a","number":7.50,"yes":true,"null":null,"inner":{"text":"b"},"Capital":"c"}`))
	if !ok {
		t.Fatal("not an object")
	}
	if o.Text("text") != "a" || o.Text("Text") != "" || o.Text("absent") != "" || o.Text("null") != "" {
		t.Error("a text was read wrongly")
	}
	if o.TextOrNumber("number") != "7.50" || o.TextOrNumber("text") != "a" || o.TextOrNumber("null") != "" || o.TextOrNumber("absent") != "" {
		t.Error("a text or number was read wrongly")
	}
	if !o.Flag("yes") || o.Flag("absent") || o.Object("inner").Text("text") != "b" || o.Object("absent").Text("text") != "" {
		t.Error("a flag or an object was read wrongly")
	}
	if o.Bad() {
		t.Error("bad, and every field had its type")
	}
}

func TestAFieldOfAWrongTypeIsRemembered(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(o Object){
		"a text that is a number":            func(o Object) { o.Text("number") },
		"a text or number that is a flag":    func(o Object) { o.TextOrNumber("yes") },
		"a flag that is a text":              func(o Object) { o.Flag("text") },
		"an object that is a text":           func(o Object) { o.Object("text") },
		"a wrong type in an object within":   func(o Object) { o.Object("inner").Text("number") },
		"whatever the reader says of itself": func(o Object) { o.Spoil() },
	} {
		o, ok := ReadObject([]byte(`{"text":"a","number":7,"yes":true,"inner":{"number":7}}`))
		if read(o); !ok || !o.Bad() {
			t.Errorf("%s: ok %t, bad %t", name, ok, o.Bad())
		}
	}
	if (Object{}).Bad() || (Object{}).Text("x") != "" {
		t.Error("the zero object has something")
	}
}

func TestWhatIsNoObjectAndNoList(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "null", "7", `"a"`, `{"a":1`, `{"a":1}{`, `{"a":"` + "\xff" + `"}`, `{"a":1,"a":2}`, `{"a":[{"b":1,"b":1}]}`, "<html>"} {
		if o, ok := ReadObject([]byte(text)); ok || o.Fields != nil {
			t.Errorf("%s: an object", text)
		}
		if items, ok := ReadList([]byte("[" + text + "]")); ok && text != "" && text != "null" && text != "7" && text != `"a"` {
			t.Errorf("[%s]: a list of %d", text, len(items))
		}
	}
	if _, ok := ReadObject([]byte(`[]`)); ok {
		t.Error("a list is an object")
	}
	for _, text := range []string{"", "null", "{}", "7"} {
		if _, ok := ReadList([]byte(text)); ok {
			t.Errorf("%s: a list", text)
		}
	}
	if items, ok := ReadList([]byte(`[7,{"a":1}]`)); !ok || len(items) != 2 {
		t.Errorf("a list of %d, %t", len(items), ok)
	}
}

func TestJSONLeavesTextsAsTheyAre(t *testing.T) {
	t.Parallel()
	text, err := JSON(map[string]string{"a": "ñ & <b>"})
	if err != nil || string(text) != `{"a":"ñ & <b>"}` {
		t.Errorf("got %s, %v", text, err)
	}
	if _, err := JSON(map[string]any{"canary": func() {}}); err == nil || strings.Contains(err.Error(), "func") {
		t.Errorf("got %v", err)
	}
}

func TestRequestsForJSON(t *testing.T) {
	t.Parallel()
	base, err := ParseBase("https://h.example/x/")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequestAt("POST", base, "/v1/pay/{id}", []byte("{}"), "id", "a/b")
	if err != nil || r.URL != "https://h.example/x/v1/pay/a%2Fb" || r.Method != "POST" || string(r.Body) != "{}" {
		t.Errorf("got %+v, %v", r, err)
	}
	if r.Header.Get("Accept") != "application/json" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", r.Header)
	}
	if r, err = NewRequestAt("GET", base, "/v1", nil); err != nil || r.Header.Get("Content-Type") != "" || r.Header.Get("Accept") == "" {
		t.Errorf("without a body: %+v, %v", r, err)
	}
	if _, err = NewRequestAt("GET", base, "/v1/{id}", nil, "id", ".."); Unsent(err) == nil {
		t.Errorf("got %v, want the proof that nothing was sent", err)
	}
}

// FuzzObject: an object's fields are those that encoding/json finds, and read as it reads them.
func FuzzObject(f *testing.F) {
	for _, text := range []string{
		`{"status":"OK","code":200,"payout":{"id":"pyt_1","amount":12500,"list":[{"a":"]"},"}"],"none":null}}`, "\t{ \"a\" : \"\\u00e9\" ,\r\n\"b\":-1.5e3 }\n",
		`{}`, `[]`, `null`, `{"a":{"b":{}},"c":[ ]}`, `{"\u0061":"\"\\"}`, `{"a":tru}`, `{"a":"ñ"}`, `{"a":1,"a":1}`, `{"a":null}`, `"a"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := ReadObject(text)
		var want map[string]json.RawMessage
		wanted := utf8.Valid(text) && !HasDuplicateNames(text) && json.Unmarshal(text, &want) == nil && want != nil
		if ok != wanted || ok && !reflect.DeepEqual(got.Fields, want) {
			t.Fatalf("%q: got %q, %v, want %q, %v", text, got.Fields, ok, want, wanted)
		}
		for name, raw := range want {
			var s string
			unread := json.Unmarshal(raw, &s)
			if text, ok := Text(raw); ok != (unread == nil) || ok && text != s {
				t.Fatalf("%q as a text: %q, %v, want %q, %v", raw, text, ok, s, unread)
			}
			var inner map[string]json.RawMessage
			unread = json.Unmarshal(raw, &inner)
			o, _ := ReadObject(text)
			if found := o.Object(name).Fields; o.Bad() != (unread != nil) || unread == nil && !reflect.DeepEqual(found, inner) {
				t.Fatalf("%q as an object: %q, bad %v, want %q, %v", raw, found, o.Bad(), inner, unread)
			}
		}
	})
}
