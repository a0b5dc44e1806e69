package deploytest

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	title = regexp.MustCompile(`(?m)^#{1,6} `)
	block = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	code  = regexp.MustCompile("`[^`\n]*`")
)

// links are the relative ones of a page: path and anchor, either of which may be empty.
func links(page string) []string {
	var found []string
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(block.ReplaceAllString(page, ""), ""), -1) {
		if u, err := url.Parse(m[1]); err == nil && u.Scheme == "" && u.Host == "" {
			found = append(found, m[1])
		}
	}
	return found
}

// headings are the anchors of a page's headings of every level.
func headings(page string) map[string]bool {
	return anchors(title.ReplaceAllString(block.ReplaceAllString(page, ""), "## "))
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	pages, seen := map[string]map[string]bool{}, 0
	anchorsOf := func(name string) map[string]bool {
		if pages[name] == nil {
			pages[name] = headings(file(t, name))
		}
		return pages[name]
	}
	documents(t, func(name, text string) {
		for _, to := range links(text) {
			seen++
			target, anchor, _ := strings.Cut(to, "#")
			target, err := url.PathUnescape(target)
			if err != nil {
				t.Errorf("%s: %s: %s", name, to, err)
				continue
			}
			where := name
			if target != "" {
				where = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, where)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, to)
				continue
			}
			if anchor != "" && (path.Ext(where) != ".md" || !anchorsOf(where)[anchor]) {
				t.Errorf("%s links to %s, where no heading has that name", name, to)
			}
		}
	})
	if seen < 100 {
		t.Errorf("only %d links were found", seen)
	}
}

// documents walks the pages of the project.
func documents(t *testing.T, visit func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == ".bin" || name == "dist" || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && path.Ext(name) == ".md":
			visit(name, file(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLinksAreFound(t *testing.T) {
	t.Parallel()
	page := "[a](b.md#c), [d](#e)\n[out](https://example.com) `[no](code.md)`\n```\n[no](fence.md)\n```\n![i](img/x.png)\n"
	if got := strings.Join(links(page), " "); got != "b.md#c #e img/x.png" {
		t.Errorf("the links are %q", got)
	}
}
