package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/catalog"
)

// TestATemplateIsSubmittedAsItIs: whoever begins with one has a file that is right.
func TestATemplateIsSubmittedAsItIs(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "es"} {
		s := redistest.Start(t)
		env := environment(redisAt(s.URL()), "REMESA_LANG="+language)
		for _, format := range []string{"csv", "jsonl", "xlsx", ""} {
			for _, p := range catalog.Providers() {
				says := language + " " + p.Name + " " + format
				file := filepath.Join(t.TempDir(), "template."+format)
				if format == "" {
					file += "csv"
				}
				flag := "--" + format
				if format == "" {
					flag = "--csv"
				}
				wantCode(t, says, enqueuePlain(t, env, nil, "template", p.Name, flag, "--output", file), 0)
				got := enqueuePlain(t, env, nil, "submit", file)
				wantCode(t, says, got, 0)
				for _, r := range results(t, got.out) {
					if want := map[bool]string{true: "enqueued", false: "duplicate"}[format == "csv"]; r.Result != want {
						t.Errorf("%s: %+v, want %s", says, r, want)
					}
				}
				if n := strings.Count(got.out, "\n"); n != len(p.Payments) {
					t.Errorf("%s: %d results of %d payments", says, n, len(p.Payments))
				}
				if strings.Contains(got.err, "apostrophe") || strings.Contains(got.err, "have been cut") {
					t.Errorf("%s: %s", says, got.err)
				}
			}
		}
	}
}

func TestATemplateExplainsEachField(t *testing.T) {
	t.Parallel()
	env := environment(redisAt(nowhere))
	got := enqueue(t, env, nil, "template", "virtualpos")
	wantCode(t, "CSV", got, 0)
	rows := strings.Split(got.out, "\r\n")
	if len(rows) != 4 || !strings.HasPrefix(rows[0], "\ufeff") || !strings.HasPrefix(rows[1], "# ") || strings.Count(rows[1], ":") < strings.Count(rows[0], ",")+1 {
		t.Errorf("%q", rows)
	}
	got = enqueue(t, env, nil, "template", "virtualpos", "--jsonl")
	wantCode(t, "JSON Lines", got, 0)
	wantText(t, "JSON Lines", got.out, `"merchant_id":"tef-0001"`)
	wantText(t, "JSON Lines", got.err, "bank.code: required: ", "description: optional: ")
	got = enqueue(t, env, nil, "template", "virtualpos", "--xlsx")
	wantCode(t, "a workbook on stdout", got, 0)
	wantText(t, "a workbook on stdout", got.out, "PK\x03\x04")

	file := write(t, "there.csv", "mine")
	wantCode(t, "a file that is there", enqueue(t, env, nil, "template", "virtualpos", "-o", file), exitFailed)
	if text := string(must[[]byte](t)(os.ReadFile(file))); text != "mine" {
		t.Errorf("a file was overwritten: %q", text)
	}
	wantCode(t, "two formats", enqueue(t, env, nil, "template", "virtualpos", "--csv", "--xlsx"), exitUsage)
	wantCode(t, "a provider that is none", enqueue(t, env, nil, "template", "bank"), exitUsage)
}
