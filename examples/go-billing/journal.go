package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// event is what this system keeps of an outcome.
type event struct {
	ID        string `json:"event_id"`
	Key       string `json:"key"`
	Reference string `json:"reference"`
	// Kind is state, anomaly (a contradiction that somebody must look at), or subscription (about one, under the key subscription:ID).
	Kind   string `json:"event"`
	State  string `json:"state"`
	Code   string `json:"code,omitempty"`
	Amount string `json:"amount"`
}

func eventOf(m redis.XMessage) (event, error) {
	field := func(name string) string { text, _ := m.Values[name].(string); return text }
	e := event{ID: field("event_id"), Key: field("key"), Reference: field("reference"), Kind: field("event"), State: field("state"),
		Code: field("code"), Amount: field("amount")}
	if _, err := e.version(); err != nil {
		return event{}, err
	}
	return e, nil
}

// version grows with each event of a payment; it is what follows the last colon of the event's id.
func (e event) version() (int, error) {
	n, err := strconv.Atoi(e.ID[strings.LastIndex(e.ID, ":")+1:])
	if err != nil {
		return 0, errors.New("event_id does not end in a version")
	}
	return n, nil
}

// journal stands in for a table of events with a unique id. It is not for several processes at once: a database is.
type journal struct {
	file   *os.File
	seen   map[string]bool
	latest map[string]event // of each payment, the one with the highest version
}

// openJournal reads what was handled before. A last line that a crash cut short was never acknowledged: it is cut off, and comes again.
func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // whoever starts the program names the file
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, seen: map[string]bool{}, latest: map[string]event{}}
	end, err := j.load()
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return j, nil
}

// load returns where the last whole line ends.
func (j *journal) load() (end int64, err error) {
	for in := bufio.NewReader(j.file); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return end, nil // the end, or a line without one
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, fmt.Errorf("%s: not a journal: %w", j.file.Name(), err)
		}
		j.remember(e)
		end += int64(len(line))
	}
}

// write keeps an event, once, and returns when it is on the disk.
func (j *journal) write(e event) error {
	if j.seen[e.ID] {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.remember(e)
	return nil
}

func (j *journal) remember(e event) {
	j.seen[e.ID] = true
	version, _ := e.version()
	before, _ := j.latest[e.Key].version()
	if version >= before {
		j.latest[e.Key] = e
	}
}

func (j *journal) close() error { return j.file.Close() }
