package shell

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// CompleteCommand is the hidden command by which a shell asks for candidates: the words typed so
// far follow, the last of them being the one to complete.
const CompleteCommand = "__complete"

// Completion prints what a shell needs to complete a command's words.
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Write prints the shell's script for the program.
func (c Completion) Write(w io.Writer, program string) error {
	_, err := io.WriteString(w, strings.ReplaceAll(scripts[c.Shell], "PROGRAM", program))
	return err
}

// scripts ask the program itself, so that they never know less than it. Where it has no candidate,
// the shell completes names of files.
var scripts = map[string]string{
	"bash": `# source <(PROGRAM completion bash)
_PROGRAM() {
  local IFS=$'\n'
  COMPREPLY=($(PROGRAM ` + CompleteCommand + ` "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _PROGRAM PROGRAM
`,
	"zsh": `# source <(PROGRAM completion zsh)
_PROGRAM() {
  local -a found
  found=("${(@f)$(PROGRAM ` + CompleteCommand + ` "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}
compdef _PROGRAM PROGRAM
`,
	"fish": `# PROGRAM completion fish | source
complete -c PROGRAM -a '(PROGRAM ` + CompleteCommand + ` (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

// Complete writes the candidates for the last of the words, one a line: commands, flags, or the
// words that a flag or an argument takes. bash makes a word of its own of "=".
func Complete(w io.Writer, k *kong.Kong, words []string) error {
	for _, candidate := range candidates(k.Model.Node, words) {
		if _, err := fmt.Fprintln(w, candidate); err != nil {
			return err
		}
	}
	return nil
}

func candidates(root *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "=" })
	at := position{node: root}
	for _, word := range words[:len(words)-1] {
		at.pass(word)
	}
	last := words[len(words)-1]
	flag, typed, joined := strings.Cut(last, "=")
	switch {
	case at.flag != nil:
		return matching(at.flag.EnumSlice(), last, "")
	case joined && strings.HasPrefix(flag, "--"):
		if f := at.find(flag); f != nil {
			return matching(f.EnumSlice(), typed, flag+"=")
		}
		return nil
	case strings.HasPrefix(last, "-"):
		return matching(at.flags(), last, "")
	default:
		return matching(at.words(), last, "")
	}
}

// position is how far the words before the last have come.
type position struct {
	node *kong.Node
	// flag is the one whose value comes next.
	flag *kong.Flag
	// arguments is how many of the node's arguments were given.
	arguments int
}

func (p *position) pass(word string) {
	if p.flag != nil {
		p.flag = nil
		return
	}
	if strings.HasPrefix(word, "-") {
		if f := p.find(word); f != nil && !f.IsBool() && !strings.Contains(word, "=") {
			p.flag = f
		}
		return
	}
	for _, child := range p.node.Children {
		if child.Name == word {
			p.node = child
			return
		}
	}
	p.arguments++
}

// find returns the flag that is meant by "--name" or "-n", nil if there is none here.
func (p *position) find(word string) *kong.Flag {
	for _, group := range p.node.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func (p *position) flags() []string {
	var names []string
	for _, group := range p.node.AllFlags(true) {
		for _, f := range group {
			names = append(names, "--"+f.Name)
		}
	}
	return names
}

// words are the commands that may follow, or what the next argument takes.
func (p *position) words() []string {
	var all []string
	for _, child := range p.node.Children {
		if !child.Hidden {
			all = append(all, child.Name)
		}
	}
	if p.arguments < len(p.node.Positional) {
		all = append(all, p.node.Positional[p.arguments].EnumSlice()...)
	}
	return all
}

func matching(all []string, typed, before string) []string {
	var out []string
	for _, word := range all {
		if word != "" && strings.HasPrefix(word, typed) {
			out = append(out, before+word)
		}
	}
	slices.Sort(out)
	return out
}
