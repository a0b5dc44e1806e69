package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ordered is a JSON object whose members keep their order.
type ordered[V any] []member[V]

type member[V any] struct {
	Name  string
	Value V
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *ordered[V]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return fmt.Errorf("not an object: %w", err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var m member[V]
		m.Name, _ = name.(string)
		if err := d.Decode(&m.Value); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	return nil
}

// pageDocument is what the page shows of the description.
type pageDocument struct {
	Info struct {
		Title, Version, Description string
	}
	Paths      ordered[ordered[pageOperation]]
	Components struct {
		Schemas ordered[pageSchema]
	}
}

type pageOperation struct {
	OperationID string `json:"operationId"`
	Summary     string
	Description string
	Scope       string `json:"x-scope"`
	Parameters  []struct {
		Name, In, Description string
		Required              bool
	}
	RequestBody *struct {
		Content ordered[pageContent]
	} `json:"requestBody"`
	Responses ordered[struct {
		Description string
		Content     ordered[pageContent]
	}]
}

type pageContent struct {
	Schema   pageSchema
	Examples ordered[struct{ Value any }]
}

type pageSchema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Description          string
	Required             []string
	Properties           ordered[pageSchema]
	AdditionalProperties any `json:"additionalProperties"`
	Items                *pageSchema
	OneOf                []pageSchema `json:"oneOf"`
	Enum                 []any
	Const                any
	Pattern              string
	Format               string
	MaxLength            int `json:"maxLength"`
	Minimum, Maximum     *int64
}

// pageView is what the template needs.
type pageView struct {
	Title, Version string
	Description    []string
	Operations     []operationView
	Schemas        []schemaView
}

type operationView struct {
	ID, Method, Path, Summary, Description, Scope string
	Parameters                                    []rowView
	Bodies, Responses                             []contentView
}

type contentView struct{ Status, Media, Schema, About, Example string }

type rowView struct {
	Name, Type, About string
	Required          bool
}

type schemaView struct {
	Name, About string
	Rows        []rowView
	Choices     []string
}

func (d pageDocument) view() pageView {
	v := pageView{Title: d.Info.Title, Version: d.Info.Version, Description: strings.Split(d.Info.Description, "\n\n")}
	for _, path := range d.Paths {
		for _, op := range path.Value {
			v.Operations = append(v.Operations, op.Value.view(op.Name, path.Name))
		}
	}
	for _, s := range d.Components.Schemas {
		v.Schemas = append(v.Schemas, s.Value.view(s.Name))
	}
	return v
}

func (o pageOperation) view(method, path string) operationView {
	v := operationView{ID: o.OperationID, Method: strings.ToUpper(method), Path: path, Summary: o.Summary, Description: o.Description, Scope: o.Scope}
	for _, p := range o.Parameters {
		v.Parameters = append(v.Parameters, rowView{Name: p.Name, Type: p.In, About: p.Description, Required: p.Required})
	}
	if o.RequestBody != nil {
		for _, c := range o.RequestBody.Content {
			v.Bodies = append(v.Bodies, c.Value.view("", c.Name, ""))
		}
	}
	for _, r := range o.Responses {
		if len(r.Value.Content) == 0 {
			v.Responses = append(v.Responses, contentView{Status: r.Name, About: r.Value.Description})
		}
		for _, c := range r.Value.Content {
			v.Responses = append(v.Responses, c.Value.view(r.Name, c.Name, r.Value.Description))
		}
	}
	return v
}

func (c pageContent) view(status, media, about string) contentView {
	v := contentView{Status: status, Media: media, Schema: name(c.Schema.Ref), About: about}
	if len(c.Examples) > 0 {
		v.Example = exampleText(c.Examples[0].Value.Value)
	}
	return v
}

// exampleText is an example as it is sent.
func exampleText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// name is that of the schema that a reference leads to.
func name(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func (s pageSchema) view(of string) schemaView {
	v := schemaView{Name: of, About: s.Description}
	for _, c := range s.OneOf {
		v.Choices = append(v.Choices, name(c.Ref))
	}
	s.rows(&v, "")
	return v
}

func (s pageSchema) rows(v *schemaView, outer string) {
	for _, p := range s.Properties {
		v.Rows = append(v.Rows, rowView{
			Name: outer + p.Name, Type: p.Value.typeText(), About: p.Value.Description, Required: slices.Contains(s.Required, p.Name),
		})
		p.Value.rows(v, outer+p.Name+".")
	}
}

func (s pageSchema) typeText() string {
	switch {
	case s.Ref != "":
		return name(s.Ref)
	case s.Const != nil:
		return fmt.Sprintf("%q", s.Const)
	case len(s.Enum) > 0:
		var all []string
		for _, v := range s.Enum {
			all = append(all, fmt.Sprint(v))
		}
		return strings.Join(all, ", ")
	case s.Items != nil:
		return "list of " + s.Items.typeText()
	}
	text := fmt.Sprint(s.Type)
	if list, ok := s.Type.([]any); ok {
		text = strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(list), "["), "]")
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if s.MaxLength > 0 {
		text += fmt.Sprintf(", at most %d characters", s.MaxLength)
	}
	if s.Minimum != nil && s.Maximum != nil {
		text += fmt.Sprintf(" from %d to %d", *s.Minimum, *s.Maximum)
	}
	return text
}
