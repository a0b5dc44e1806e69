package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/tasks"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const documentFile = "../../docs/openapi.json"

// TestTheDescriptionIsThatOfTheTables: docs/openapi.json is made of the table of operations, the
// fields of each provider's tasks, and the structs of the responses.
func TestTheDescriptionIsThatOfTheTables(t *testing.T) {
	want := document(t)
	if *update {
		if err := os.WriteFile(documentFile, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, docs.OpenAPI()) {
		t.Error("docs/openapi.json is not of these tables: go test ./internal/api -run Description -update, then generate internal/api/client anew")
	}
}

// object is a JSON object in its order.
type object ordered[any]

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		var value bytes.Buffer
		enc := json.NewEncoder(&value)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.Value); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(bytes.TrimSpace(value.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// obj makes an object of names and values, and leaves out what is nil or empty.
func obj(pairs ...any) object {
	var o object
	for i := 0; i+1 < len(pairs); i += 2 {
		o = o.with(pairs[i].(string), pairs[i+1])
	}
	return o
}

func (o object) with(name string, value any) object {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.Kind() == reflect.String && v.Len() == 0 || v.Kind() == reflect.Slice && v.Len() == 0 {
		return o
	}
	return append(o, member[any]{name, value})
}

func ref(name string) object { return obj("$ref", "#/components/schemas/"+name) }

func document(t *testing.T) []byte {
	t.Helper()
	g := &generator{t: t}
	d := obj(
		"openapi", "3.1.0",
		"info", obj("title", "remesa", "version", "1", "description", description, "license", obj("name", "Apache-2.0", "identifier", "Apache-2.0")),
		"servers", []object{obj("url", "http://127.0.0.1:8090", "description", "enqueue serve, by default")},
		"paths", g.paths(),
		"components", obj(
			"securitySchemes", obj("key", obj("type", "http", "scheme", "bearer", "description", "A key that `enqueue apikey create` made.")),
			"schemas", g.schemas(),
		),
	)
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	return pretty.Bytes()
}

const description = "Takes payouts, charges and subscriptions in, shows them, and tells what becomes of them. Bodies are exactly the task format of docs/tasks.md, " +
	"read by the same strict reader as files.\n\n" +
	"Each call under /v1 needs `Authorization: Bearer KEY`. A payment's reference (merchant_id, txnid) and a subscription's id are the idempotency keys: " +
	"sending the same again is always safe, and another payment under a known reference is a conflict that changes nothing. Problems are RFC 9457 and never repeat a value."

type generator struct{ t *testing.T }

func (g *generator) paths() object {
	var paths object
	for _, op := range operations() {
		i := slices.IndexFunc(paths, func(m member[any]) bool { return m.Name == op.path })
		if i < 0 {
			paths = append(paths, member[any]{op.path, object(nil)})
			i = len(paths) - 1
		}
		paths[i].Value = append(paths[i].Value.(object), member[any]{strings.ToLower(op.method), g.operation(op)})
	}
	return paths
}

func (g *generator) operation(op operation) object {
	o := obj("operationId", op.id, "summary", op.summary, "description", op.about, "x-scope", string(op.scope), "parameters", g.parameters(op))
	if op.body != "" {
		o = o.with("requestBody", obj("required", true, "content", g.body(op)))
	}
	o = o.with("responses", g.responses(op))
	if op.scope == "" {
		return append(o, member[any]{"security", []object{}})
	}
	return o.with("security", []map[string][]string{{"key": {}}})
}

func (g *generator) parameters(op operation) []object {
	var all []object
	for _, name := range []string{"key", "id"} {
		if strings.Contains(op.path, "{"+name+"}") {
			about, example := "provider/reference, or provider/account/reference; its slashes may be written as they are or as %2F.", "virtualpos/tef-0001"
			if name == "id" {
				about, example = "The subscription's id.", "sub-0001"
			}
			all = append(all, obj("name", name, "in", "path", "required", true, "description", about, "schema", obj("type", "string"), "example", example))
		}
	}
	for _, p := range op.parameters {
		schema := obj("type", "string", "enum", p.values)
		if p.number[1] > 0 {
			schema = obj("type", "integer", "minimum", p.number[0], "maximum", p.number[1])
		}
		all = append(all, obj("name", p.name, "in", "query", "description", p.about, "schema", schema))
	}
	if op.lines {
		all = append(all, obj("name", idempotencyKey, "in", "header", "description", "If it is sent, it must be the reference. Not with a file.", "schema", obj("type", "string")))
	}
	return all
}

func (g *generator) body(op operation) object {
	examples := g.examples(op)
	content := obj(jsonMedia, obj("schema", ref(op.body)).with("examples", examples))
	if !op.lines {
		return content
	}
	var file strings.Builder
	for _, e := range examples {
		line, err := json.Marshal(e.Value.(object)[0].Value)
		if err != nil {
			g.t.Fatal(err)
		}
		file.Write(append(line, '\n'))
	}
	about := "One " + op.body + " a line."
	return content.with(linesMedia, obj("schema", obj("type", "string", "description", about), "examples", obj("file", obj("value", file.String()))))
}

// examples are those of the tests of the task format, and of the steps by hand.
func (g *generator) examples(op operation) object {
	var all object
	switch op.body {
	case "Payout", "Charge", "Status", "Subscription":
		files, err := filepath.Glob("../../tasks/testdata/*.json")
		if err != nil {
			g.t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				g.t.Fatal(err)
			}
			if g.isA(op.body, text) {
				name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(file), ".json"), "subscription-")
				all = append(all, member[any]{name, obj("value", json.RawMessage(bytes.TrimSpace(text)))})
			}
		}
	default:
		e, ok := stepExamples()[op.id]
		if !ok {
			e = obj("by", "ana", "note", "ticket 4711")
		}
		all = obj("one", obj("value", e))
	}
	return all
}

func (g *generator) isA(kind string, text []byte) bool {
	task, err := tasks.Decode(text)
	if kind == "Subscription" {
		_, err = tasks.DecodeSubscription(text)
		return err == nil
	}
	return err == nil && task.Type() == strings.ToLower(kind)
}

func stepExamples() map[string]object {
	return map[string]object{
		"resolvePayment": obj("by", "ana", "note", "bank statement of 12 May", "as", "succeeded", "provider_id", "pyt_000001"),
		"retryPayment":   obj("by", "ana", "note", "support, ticket 4711", "accept_double_risk", true),
		"changeSubscription": obj("by", "ana", "note", "new price",
			"amount", "39900"),
		"halt":   obj("by", "ana", "note", "the provider told us to stop", "provider", catalog.Names()[0]),
		"unhalt": obj("by", "ana", "note", "it works again", "provider", catalog.Names()[0]),
	}
}

func (g *generator) responses(op operation) object {
	type response struct {
		about   string
		content object
		headers object
	}
	byStatus := map[int]*response{}
	for _, a := range op.answers {
		media, schema := jsonMedia, ref(a.schema)
		if a.schema == "" {
			media, schema = a.media, obj("type", "string")
			if media == jsonMedia {
				schema = obj("type", "object")
			}
		}
		r := &response{about: a.about, content: obj(media, obj("schema", schema))}
		if a.status == http.StatusOK && op.lines {
			r.content = r.content.with(linesMedia, obj("schema", obj("type", "string", "description", "One "+a.schema+" a line.")))
		}
		if a.status == http.StatusCreated {
			r.headers = obj("Location", obj("description", "Where it is shown.", "schema", obj("type", "string")))
		}
		byStatus[a.status] = r
	}
	problems := op.problems
	if op.scope != "" {
		problems = append([]int{401, 403, 429, 503}, problems...)
	}
	for _, status := range problems {
		r := &response{about: problemTexts[status], content: obj("application/problem+json", obj("schema", ref("Problem")))}
		if status == 429 || status == 503 {
			r.headers = obj("Retry-After", obj("description", "Seconds.", "schema", obj("type", "integer")))
		}
		byStatus[status] = r
	}
	var all object
	for _, status := range slices.Sorted(keysOf(byStatus)) {
		r := byStatus[status]
		all = all.with(strconv.Itoa(status), obj("description", r.about, "headers", r.headers, "content", r.content))
	}
	return all
}

func keysOf[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

var problemTexts = map[int]string{
	401: "No key, or none that is valid.", 403: "The key has not the scope.", 404: "There is no such payment or subscription.",
	409: "Another payment has the reference, or the state does not allow the step. Nothing was changed.", 413: "A body of one object over 1 MiB.",
	415: "The body is neither JSON nor JSON Lines.", 422: "Something is wrong with the body, a header or a parameter; `errors` names each field.",
	429: "The key makes more requests than it may.", 503: "The store has no room for new payments, or does not respond. Sending the same again is safe.",
}

func (g *generator) schemas() object {
	var all object
	for _, kind := range []string{"payout", "charge", "status"} {
		all = append(all, g.union(kind, tasks.Table)...)
	}
	all = append(all, g.union("subscription", func(provider, _ string) []fields.Field { return tasks.SubscriptionTable(provider) })...)
	steps := []struct {
		name   string
		fields []field
	}{{"Actor", actorFields()}, {"Resolution", resolutionFields()}, {"Retry", retryFields()}, {"Halt", haltFields()}, {"Change", changeFields()}}
	for _, s := range steps {
		all = append(all, member[any]{s.name, stepSchema(s.fields)})
	}
	for _, s := range []struct {
		name  string
		value any
	}{
		{"Receipt", intake.Result{}}, {"Added", intake.Added{}}, {"Payment", view.Payment{}}, {"ShownPayment", view.ShownPayment{}}, {"HistoryEntry", view.HistoryEntry{}},
		{"PaymentList", paymentList{}}, {"Intervention", intervention{}}, {"SubscriptionState", view.Subscription{}}, {"ShownSubscription", view.ShownSubscription{}},
		{"Period", view.Period{}}, {"PeriodCharge", view.PeriodCharge{}}, {"AuditEntry", view.AuditEntry{}}, {"OutcomeList", outcomeList{}},
		{"HaltList", haltList{}}, {"HaltEntry", haltEntry{}}, {"Problem", Problem{}}, {"FieldProblem", FieldProblem{}},
	} {
		all = append(all, member[any]{s.name, structSchema(reflect.TypeOf(s.value))})
	}
	return append(all, member[any]{"Event", eventSchema()})
}

// union is what all providers take of a type, and each provider's own.
func (g *generator) union(kind string, table func(provider, kind string) []fields.Field) object {
	title := strings.ToUpper(kind[:1]) + kind[1:]
	var own, refs object
	var choices []object
	for _, p := range catalog.Providers() {
		all := table(p.Name, kind)
		if all == nil {
			continue
		}
		name := title + strings.ToUpper(p.Name[:1]) + p.Name[1:]
		currency := ""
		for _, payments := range p.Payments {
			if string(payments.Type) == kind || kind == "subscription" && payments.Type == "charge" {
				currency = payments.Currency
			}
		}
		own = append(own, member[any]{name, taskSchema(all, kind, p.Name, currency)})
		choices = append(choices, ref(name))
		refs = append(refs, member[any]{p.Name, "#/components/schemas/" + name})
	}
	return append(object{{title, obj("oneOf", choices, "discriminator", obj("propertyName", "provider", "mapping", refs))}}, own...)
}

// taskSchema is a table's, with what every task has.
func taskSchema(table []fields.Field, kind, provider, currency string) object {
	byPath := map[string]object{
		"type":     obj("type", "string", "enum", []string{kind}, "description", "May be left out: the address says it."),
		"provider": obj("type", "string", "enum", []string{provider}),
		"amount":   obj("type", "string", "pattern", `^[0-9]{1,13}(\.[0-9]{1,2})?$`, "description", "A decimal text, never a number; the currency's decimals are enforced."),
		"currency": obj("type", "string", "enum", []string{currency}),
	}
	root := &node{}
	for _, f := range table {
		schema, ok := byPath[f.Path]
		if !ok {
			schema = fieldSchema(f)
		}
		required := f.Required && (f.Path != "type" || kind == "subscription")
		root.put(strings.Split(f.Path, "."), schema, required)
	}
	return root.schema()
}

// node is an object that is put together field by field.
type node struct {
	names    []string
	inner    map[string]*node
	leaf     object
	required map[string]bool
}

func (n *node) put(path []string, schema object, required bool) {
	if n.inner == nil {
		n.inner, n.required = map[string]*node{}, map[string]bool{}
	}
	next := n.inner[path[0]]
	if next == nil {
		next = &node{}
		n.inner[path[0]] = next
		n.names = append(n.names, path[0])
	}
	n.required[path[0]] = n.required[path[0]] || required
	if len(path) == 1 {
		next.leaf = schema
		return
	}
	next.put(path[1:], schema, required)
}

func (n *node) schema() object {
	if n.leaf != nil {
		return n.leaf
	}
	var properties object
	var required []string
	for _, name := range n.names {
		properties = append(properties, member[any]{name, n.inner[name].schema()})
		if n.required[name] {
			required = append(required, name)
		}
	}
	return obj("type", "object", "required", required, "properties", properties, "additionalProperties", false)
}

func fieldSchema(f fields.Field) object {
	switch f.Kind {
	case fields.Integer:
		return obj("type", "integer", "format", "int64", "minimum", f.Low, "maximum", f.High)
	case fields.Integers:
		return obj("type", "array", "items", obj("type", "integer", "format", "int64", "minimum", f.Low, "maximum", f.High))
	case fields.Texts:
		return obj("type", "array", "maxItems", f.Most, "items", obj("type", "string", "description", f.Problem))
	case fields.TextMap:
		return obj("type", "object", "description", "At most 1 KiB as JSON; it comes back with each outcome.", "additionalProperties", obj("type", "string"))
	case fields.NamedTexts:
		root := &node{}
		for _, inner := range f.Of {
			root.put([]string{inner.Path}, fieldSchema(inner), inner.Required)
		}
		return obj("type", "array", "maxItems", f.Most, "items", root.schema())
	case fields.Boolean:
		return obj("type", "boolean")
	}
	var kind any = "string"
	if f.Null {
		kind = []string{"string", "null"}
	}
	s := obj("type", kind, "description", f.Problem)
	if f.Path == "not_before" || f.Path == "deadline" {
		return s.with("format", "date-time")
	}
	if !f.Empty && !f.Null {
		s = s.with("format", f.Format).with("pattern", f.Pattern)
	} else if f.Pattern != "" {
		s = s.with("pattern", "^$|"+f.Pattern)
	}
	if f.Longest > 0 {
		s = s.with("maxLength", f.Longest)
	}
	return s
}

func stepSchema(all []field) object {
	root := &node{}
	kinds := map[strictjson.Kind]string{strictjson.String: "string", strictjson.Bool: "boolean", strictjson.Object: "object"}
	for _, f := range all {
		s := obj("type", kinds[f.kind], "description", f.about, "enum", f.values)
		if f.longest > 0 {
			s = s.with("maxLength", f.longest)
		}
		root.put([]string{f.name}, s, f.required)
	}
	return root.schema()
}

// structSchema is that of a struct as encoding/json writes it.
func structSchema(of reflect.Type) object {
	root := &node{}
	putFields(root, of, true)
	return root.schema()
}

// putFields puts a struct's fields; those of an embedded pointer may all be missing.
func putFields(root *node, of reflect.Type, all bool) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			of, always := f.Type, all
			if of.Kind() == reflect.Pointer {
				of, always = of.Elem(), false
			}
			putFields(root, of, always)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		root.put([]string{name}, typeSchema(f.Type), all && !strings.Contains(options, "omit"))
	}
}

var named = map[reflect.Type]string{
	reflect.TypeFor[view.Payment](): "Payment", reflect.TypeFor[view.HistoryEntry](): "HistoryEntry", reflect.TypeFor[view.Event](): "Event",
	reflect.TypeFor[view.Period](): "Period", reflect.TypeFor[view.PeriodCharge](): "PeriodCharge", reflect.TypeFor[view.AuditEntry](): "AuditEntry",
	reflect.TypeFor[haltEntry](): "HaltEntry", reflect.TypeFor[FieldProblem](): "FieldProblem",
}

func typeSchema(of reflect.Type) object {
	if of == reflect.TypeFor[idempotency.State]() {
		return obj("type", "string", "enum", idempotency.States())
	}
	if name := named[of]; name != "" {
		return ref(name)
	}
	switch of.Kind() {
	case reflect.String:
		return obj("type", "string")
	case reflect.Bool:
		return obj("type", "boolean")
	case reflect.Int, reflect.Int64:
		return obj("type", "integer")
	case reflect.Slice:
		return obj("type", "array", "items", typeSchema(of.Elem()))
	case reflect.Map:
		return obj("type", "object", "additionalProperties", typeSchema(of.Elem()))
	case reflect.Pointer:
		return obj("type", []string{"string", "null"})
	}
	panic(fmt.Sprintf("no schema for %s", of))
}

// eventSchema names the fields of an outcome event; all but two may be left out.
func eventSchema() object {
	root := &node{}
	for _, name := range strings.Fields(`event_id event key type state reference provider_id code message decline amount currency attempt at action_url account subscription period`) {
		root.put([]string{name}, obj("type", "string"), false)
	}
	root.put([]string{"provider"}, obj("type", "string"), true)
	root.put([]string{"stream_id"}, obj("type", "string"), true)
	root.put([]string{"metadata"}, obj("type", "object", "additionalProperties", obj("type", "string")), false)
	s := root.schema()
	s[len(s)-1].Value = true // a later version may tell more
	return append(object{{"description", "What became of a payment, as in the outcome stream: empty fields are left out; `event_id` is the same whenever it is told."}}, s...)
}
