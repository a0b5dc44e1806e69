package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// CoordinadorGateway is where the simulated gateway begins, below the sandbox's address; its portal
// begins at CoordinadorPrefix.
const CoordinadorGateway = CoordinadorPrefix + "/staging/api"

// CoordinadorOptions says how the simulated Coordinador behaves when nothing is wrong. The zero
// value has the login "pagos@empresa.example" with the password "sandbox-password", and executes
// duplicates.
type CoordinadorOptions struct {
	Username, Password string
	// TokenLife is how long a token is good for, RefreshLife how long after that it may be
	// refreshed; a day and six days unless set.
	TokenLife, RefreshLife time.Duration
	// TokenField is the answer's field that holds a token; "access" unless set.
	TokenField string
	// PageSize is the most rows that one answer holds; 100 unless set.
	PageSize int
	// AnyInstruction ignores the filter by instruction, as a server does that does not know its
	// name.
	AnyInstruction bool
	// Net registers amounts as net ones.
	Net bool
}

func (o CoordinadorOptions) withDefaults() CoordinadorOptions {
	for _, field := range []struct {
		value     *string
		otherwise string
	}{{&o.Username, "pagos@empresa.example"}, {&o.Password, "sandbox-password"}, {&o.TokenField, "access"}} {
		if *field.value == "" {
			*field.value = field.otherwise
		}
	}
	if o.TokenLife == 0 {
		o.TokenLife = 24 * time.Hour
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = 6 * 24 * time.Hour
	}
	if o.PageSize == 0 {
		o.PageSize = 100
	}
	return o
}

type coordinador struct {
	CoordinadorOptions
	desk   *Desk
	tokens *tokens
	mux    *http.ServeMux

	mu sync.Mutex
	// references is the first reference that came for each instruction.
	references map[int64]string
	// elsewhere are rows that nobody registered here.
	elsewhere []coordinadorRow
	refreshed int
}

func newCoordinador(o CoordinadorOptions, d *Desk) *coordinador {
	v := &coordinador{
		CoordinadorOptions: o.withDefaults(), desk: d, mux: http.NewServeMux(), references: map[int64]string{},
	}
	v.tokens = newTokens(d.now, v.TokenLife, false)
	d.ids = "%d"
	d.onReset(v.forget)
	v.mux.HandleFunc("POST /api/token/obtain/", v.obtain)
	v.mux.HandleFunc("POST /api/token/refresh/", v.refresh)
	v.mux.HandleFunc("POST /staging/api/v1/operations/payments/create/", v.create)
	v.mux.HandleFunc("GET /staging/api/v1/resources/payment-execution-payment-instructions/", v.list)
	return v
}

func (v *coordinador) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.references)
	v.elsewhere = nil
}

func (v *coordinador) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.mux.ServeHTTP(w, r) }

// create counts the request, judges it, then does with money and answer what the fault says.
func (v *coordinador) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		_ = v.desk.arrive("")
		writeJSON(w, http.StatusBadRequest, coordinadorDetail("cuerpo ilegible"))
		return
	}
	sent, wrong := readCoordinadorPayment(body)
	if err := v.arrive(sent); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, coordinadorDetail(err.Error()))
		return
	}
	delay, f, b := v.desk.fault(Send, sent.ERPA, sent.Amount.String())
	wait(r.Context(), delay)
	v.expire(b)
	if refusal := v.refuse(r, wrong); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	deliver(w, r, v.execute(sent, b, f), b.reply, f)
}

func (v *coordinador) expire(b behaviour) {
	if b.reply == expireTokens {
		v.tokens.expire()
	}
}

func (v *coordinador) arrive(sent coordinadorPayment) error {
	if err := v.desk.arrive(sent.ERPA); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.references[sent.instruction()]; !known {
		v.references[sent.instruction()] = sent.ERPA
	}
	return nil
}

// execute registers the payment as the fault says, once more for each time that it is told to.
func (v *coordinador) execute(sent coordinadorPayment, b behaviour, f Fault) answer {
	switch {
	case b.reply == unauthorized:
		return answer{http.StatusUnauthorized, coordinadorDetail("Token inválido o expirado")}
	case b.reply == taken:
		return answer{http.StatusOK, map[string]any{
			"result": nil, "operation": 11999, "errors": []any{map[string]any{"code": "duplicate", "message": "ya existe un pago para la instrucción"}},
		}}
	case b.reply == declined || b.reply == rejectedObj || b.moves == movesNever:
		return coordinadorErrors(f, v.Username)
	case b.moves == untaken:
		return answer{http.StatusOK, map[string]any{"errors": []any{}}}
	}
	o := v.desk.take(sent.order(), b, f)
	switch b.reply {
	case wrongTypes:
		return answer{http.StatusOK, map[string]any{"result": 7, "errors": "ninguno", "operation": []int{1}}}
	case oddStatus:
		return answer{http.StatusOK, map[string]any{"estado": "en_la_luna"}}
	case oddCode:
		return answer{http.StatusOK, map[string]any{"result": nil, "errors": map[string]any{"E-777": "algo pasó"}, "operation": 1}}
	default: // deliver damages it
	}
	return answer{http.StatusOK, map[string]any{"result": sent.echo(), "errors": []any{}, "operation": 12000 + executionNumber(o.ID)}}
}

// operationErrors name the person who logged in, as texts of portals do.
func coordinadorErrors(f Fault, username string) answer {
	code := f.Code
	if code == "" {
		code = "invalid_instruction"
	}
	return answer{http.StatusOK, map[string]any{
		"result": nil, "operation": 11999,
		"errors": []any{map[string]any{"code": code, "message": "la instrucción no admite pagos de " + username}},
	}}
}

func coordinadorDetail(text string) any { return map[string]any{"detail": text} }

// list answers which payments are registered for an instruction. What waits for a question moves on
// after it was answered.
func (v *coordinador) list(w http.ResponseWriter, r *http.Request) {
	instruction, limit, offset, ok := coordinadorListing(r)
	reference := v.reference(instruction)
	operation := Ask
	if reference == "" {
		operation = Step
	}
	delay, f, b := v.desk.fault(operation, reference, "")
	wait(r.Context(), delay)
	v.expire(b)
	switch {
	case b.reply == unauthorized || !v.bearer(r):
		writeJSON(w, http.StatusUnauthorized, coordinadorDetail("Token inválido o expirado"))
		return
	case !ok:
		writeJSON(w, http.StatusBadRequest, coordinadorDetail("instruction, limit y offset son números"))
		return
	}
	rows := v.rows(instruction, b)
	if reference != "" {
		v.desk.find("", reference)
	}
	deliver(w, r, coordinadorList(rows, min(limit, v.PageSize), offset, b), b.reply, f)
}

func coordinadorListing(r *http.Request) (instruction int64, limit, offset int, ok bool) {
	q := r.URL.Query()
	instruction, err := strconv.ParseInt(q.Get("instruction"), 10, 64)
	limit, err2 := strconv.Atoi(q.Get("limit"))
	offset, err3 := strconv.Atoi(q.Get("offset"))
	return instruction, limit, offset, len(q) == 3 && err == nil && err2 == nil && err3 == nil && limit > 0 && offset >= 0
}

func (v *coordinador) reference(instruction int64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.references[instruction]
}

type coordinadorRow struct {
	ID          int64  `json:"id"`
	Instruction int64  `json:"instruction"`
	Execution   int64  `json:"execution"`
	Amount      any    `json:"amount"`
	IsNet       bool   `json:"is_net_amount"`
	DTEs        []int  `json:"dtes"`
	CreatedTS   string `json:"created_ts"`
	UpdatedTS   string `json:"updated_ts"`
}

// rows lists the book's executions for the instruction, and those from elsewhere.
func (v *coordinador) rows(instruction int64, b behaviour) []coordinadorRow {
	rows := []coordinadorRow{}
	if b.reply == absent {
		return rows
	}
	for _, e := range v.desk.Executions() {
		about, _ := strconv.ParseInt(strings.TrimPrefix(e.Beneficiary, "instruction "), 10, 64)
		rows = append(rows, newCoordinadorRow(about, executionNumber(e.ID), e.Amount, v.Net, e.At))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	rows = append(rows, v.elsewhere...)
	kept := rows[:0]
	for _, row := range rows {
		if row.Instruction == instruction || v.AnyInstruction {
			kept = append(kept, spoilRow(row, b))
		}
	}
	return kept
}

func newCoordinadorRow(instruction, execution int64, amount string, net bool, at time.Time) coordinadorRow {
	stamp := at.UTC().Format(time.RFC3339)
	return coordinadorRow{
		ID: 500_000 + execution, Instruction: instruction, Execution: execution, Amount: number(amount), IsNet: net,
		DTEs: []int{}, CreatedTS: stamp, UpdatedTS: stamp,
	}
}

func spoilRow(row coordinadorRow, b behaviour) coordinadorRow {
	switch b.reply {
	case wrongAmount:
		row.Amount = number(fmt.Sprint(row.Amount) + "0")
	case wrongTypes:
		row.Amount = []bool{true}
	default: // what is wrong, if anything, is not in the rows
	}
	return row
}

func coordinadorList(rows []coordinadorRow, limit, offset int, b behaviour) answer {
	shown := rows[min(offset, len(rows)):min(offset+limit, len(rows))]
	body := map[string]any{"count": len(rows), "next": nil, "previous": nil, "results": shown}
	if b.reply == oddStatus || b.reply == oddCode {
		delete(body, "count")
	}
	return answer{http.StatusOK, body}
}

// number64 reads an id that the desk gave.
func executionNumber(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64)
	return n
}
