package wire

import (
	"strings"
	"testing"
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
