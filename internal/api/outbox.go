package api

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// outbox sends result lines while the file is still being read. Many clients send all before they
// read anything: where they read so late that memory would not hold the lines, those behind wait in
// a file without a name. Lines hold keys and names of fields, and no data of people.
type outbox struct {
	c    *call
	idle time.Duration
	sent chan struct{} // closed when the sender has ended; nil until it has begun

	mu      sync.Mutex
	changed *sync.Cond
	memory  []byte
	file    *os.File
	// head and tail are where the file is read and written; equal where it holds nothing.
	head, tail int64
	closed     bool
	err        error // of the client's connection
}

// Bounds of what waits for the client.
const (
	mostInMemory = 1 << 20
	mostInFile   = 4 << 30
	piece        = 64 << 10
)

func newOutbox(c *call, idle time.Duration) *outbox {
	o := &outbox{c: c, idle: idle}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// put keeps lines for the client. It waits where neither memory nor file has room.
func (o *outbox) put(lines []byte) error {
	o.begin()
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.c.control.SetWriteDeadline(time.Now().Add(o.idle + requestTimeout)) // it may still be busy sending
	for o.err == nil {
		switch {
		case o.head == o.tail && len(o.memory)+len(lines) <= mostInMemory, o.head == o.tail && len(o.memory) == 0:
			o.memory = append(o.memory, lines...)
			o.changed.Broadcast()
			return nil
		case o.tail < mostInFile && o.spill(lines):
			return nil
		}
		o.changed.Wait()
	}
	return o.err
}

// spill reports whether the lines went into the file; where there can be none, they wait for room
// in memory.
func (o *outbox) spill(lines []byte) bool {
	if o.file == nil {
		f, err := os.CreateTemp("", "remesa-results-")
		if err != nil {
			return false
		}
		_ = os.Remove(f.Name())
		o.file = f
	}
	if _, err := o.file.WriteAt(lines, o.tail); err != nil {
		return false
	}
	o.tail += int64(len(lines))
	o.changed.Broadcast()
	return true
}

// begin sends the response's head with the first lines, and starts the sender.
func (o *outbox) begin() {
	if o.sent != nil {
		return
	}
	o.sent = make(chan struct{})
	o.c.w.Header().Set("Content-Type", linesMedia)
	o.c.w.Header().Set("X-Accel-Buffering", "no") // nginx then passes each piece on at once
	o.c.w.WriteHeader(http.StatusOK)
	go o.send()
}

func (o *outbox) send() {
	defer close(o.sent)
	for {
		lines, err := o.take()
		if lines == nil {
			return
		}
		if err == nil {
			_ = o.c.control.SetWriteDeadline(time.Now().Add(o.idle + requestTimeout))
			_, err = o.c.w.Write(lines)
		}
		if err == nil {
			err = o.c.control.Flush()
		}
		if err != nil {
			o.mu.Lock()
			o.err = err
			o.changed.Broadcast()
			o.mu.Unlock()
			return
		}
	}
}

// take waits for lines; nil at the end.
func (o *outbox) take() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.memory) == 0 && o.head == o.tail && !o.closed {
		o.changed.Wait()
	}
	defer o.changed.Broadcast()
	if len(o.memory) > 0 {
		lines := o.memory
		o.memory = nil
		return lines, nil
	}
	if o.head == o.tail {
		return nil, nil
	}
	lines := make([]byte, min(piece, o.tail-o.head))
	if _, err := io.ReadFull(io.NewSectionReader(o.file, o.head, int64(len(lines))), lines); err != nil {
		return lines, err
	}
	if o.head += int64(len(lines)); o.head == o.tail {
		o.head, o.tail = 0, 0
	}
	return lines, nil
}

// finish sends what is left.
func (o *outbox) finish() error {
	o.begin()
	o.close()
	return o.err
}

// stop sends the reason as the last line; where no line was sent yet, as the response.
func (o *outbox) stop(p *Problem) error {
	if o.sent == nil {
		return p
	}
	if line, err := json.Marshal(stopped{resultStopped, p.Detail}); err == nil {
		_ = o.put(append(line, '\n'))
	}
	o.close()
	return p
}

// close waits until everything was sent, or the client has left.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	o.mu.Unlock()
	if o.sent != nil {
		<-o.sent
	}
	if o.file != nil {
		_ = o.file.Close()
		o.file = nil
	}
}
