package sandbox

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// mountAdmin serves the simulator's own pages below a prefix: the book and the faults.
func (s *Simulator) mountAdmin(mux *http.ServeMux, prefix string) {
	mux.HandleFunc("GET "+prefix+"/_book", s.showBook)
	mux.HandleFunc("DELETE "+prefix+"/_book", s.deleteBook)
	mux.HandleFunc("GET "+prefix+"/_faults", s.showFaults)
	mux.HandleFunc("POST "+prefix+"/_faults", s.postFaults)
	mux.HandleFunc("DELETE "+prefix+"/_faults", s.deleteFaults)
}

// Book is the response to GET {prefix}/_book.
type Book struct {
	Executions []Execution    `json:"executions"`
	Arrivals   map[string]int `json:"arrivals"`
	Logins     int            `json:"logins"`
}

func (s *Simulator) showBook(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("format") == "csv" {
		s.bookAsCSV(w)
		return
	}
	book := Book{Executions: s.Executions(), Arrivals: s.Arrivals(), Logins: s.Logins()}
	if book.Executions == nil {
		book.Executions = []Execution{}
	}
	WriteJSON(w, http.StatusOK, book)
}

// bookAsCSV is the book as a statement: what was executed, a row each.
func (s *Simulator) bookAsCSV(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	_ = out.Write([]string{"seq", "id", "reference", "amount", "currency", "beneficiary", "at"}) // a client that left needs no response
	for _, e := range s.Executions() {
		_ = out.Write([]string{strconv.Itoa(e.Seq), e.ID, e.Reference, e.Amount, e.Currency, e.Beneficiary, e.At.Format(time.RFC3339Nano)})
	}
	out.Flush()
}

func (s *Simulator) deleteBook(w http.ResponseWriter, _ *http.Request) {
	s.Reset()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) showFaults(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, s.Faults())
}

// postFaults adds one fault or an array of them.
func (s *Simulator) postFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readFaults(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = s.AddFaults(faults...)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	WriteJSON(w, http.StatusOK, s.Faults())
}

func readFaults(body io.Reader) ([]Fault, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("[")) {
		text = append(append([]byte("["), text...), ']')
	}
	var faults []Fault
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return faults, decoder.Decode(&faults)
}

func (s *Simulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	s.ClearFaults()
	w.WriteHeader(http.StatusNoContent)
}

// WriteJSON sends a response in JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no response
}
