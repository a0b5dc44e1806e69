// Package coordinador simulates the payment portal and the gateway of the Coordinador (Chile).
package coordinador

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// Gateway is where the simulated gateway begins, below the provider's prefix; its portal begins at
// the prefix.
const Gateway = "/staging/api"

// Name is the provider's; it is served below a slash and its name.
const Name = "coordinador"

// Options says how the simulated Coordinador behaves when nothing is wrong. The zero
// value has the login "pagos@empresa.example" with the password "sandbox-password", and executes
// duplicates.
type Options struct {
	Username, Password string
	// TokenLife is how long a token is good for, RefreshLife how long after that it may be
	// refreshed; a day and six days unless set.
	TokenLife, RefreshLife time.Duration
	// TokenField is the response's field that holds a token; "access" unless set.
	TokenField string
	// PageSize is the most rows that one response holds; 100 unless set.
	PageSize int
	// AnyInstruction ignores the filter by instruction, as a server does that does not know its
	// name.
	AnyInstruction bool
	// Net registers amounts as net ones.
	Net bool
}

func (o Options) withDefaults() Options {
	o.Username, o.Password = cmp.Or(o.Username, "pagos@empresa.example"), cmp.Or(o.Password, "sandbox-password")
	o.TokenField = cmp.Or(o.TokenField, "access")
	o.TokenLife = cmp.Or(o.TokenLife, 24*time.Hour)
	o.RefreshLife = cmp.Or(o.RefreshLife, 6*24*time.Hour)
	o.PageSize = cmp.Or(o.PageSize, 100)
	return o
}

// Simulator is a simulated Coordinador.
type Simulator struct {
	*sandbox.Provider
	s *simulator
}

// New is a simulated Coordinador.
func New(o Options, core sandbox.Options) *Simulator {
	v := &simulator{Options: o.withDefaults(), core: sandbox.NewSimulator("%d", core), references: map[int64]string{}}
	v.tokens = sandbox.NewTokens(v.core, v.TokenLife, false)
	v.core.OnReset(v.forget)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/token/obtain/", v.obtain)
	mux.HandleFunc("POST /api/token/refresh/", v.refresh)
	mux.HandleFunc("POST "+Gateway+"/v1/operations/payments/create/", v.create)
	mux.HandleFunc("GET "+Gateway+"/v1/resources/payment-execution-payment-instructions/", v.list)
	return &Simulator{sandbox.NewProvider("coordinador", v.core, mux, v.settings), v}
}

// AddRow puts a row into the simulated portal that nobody registered through it, as a registration
// in the portal itself would be.
func (s *Simulator) AddRow(instruction int64, amount string) {
	v := s.s
	v.mu.Lock()
	defer v.mu.Unlock()
	v.elsewhere = append(v.elsewhere, newRow(instruction, 900_001+int64(len(v.elsewhere)), amount, false, v.core.Now()))
}

// Refreshed is how many tokens were given out for an older one.
func (s *Simulator) Refreshed() int {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	return s.s.refreshed
}

func (v *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_COORDINADOR_PORTAL_URL", Value: base}, {Name: "REMESA_COORDINADOR_GATEWAY_URL", Value: base + Gateway},
		{Name: "REMESA_COORDINADOR_USERNAME", Value: v.Username}, {Name: "REMESA_COORDINADOR_PASSWORD", Value: v.Password},
	}
}

type simulator struct {
	Options
	core   *sandbox.Simulator
	tokens *sandbox.Tokens

	mu sync.Mutex
	// references is the first reference that came for each instruction.
	references map[int64]string
	// elsewhere are rows that nobody registered here.
	elsewhere []row
	refreshed int
}

func (v *simulator) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.references)
	v.elsewhere = nil
}

// create counts the request, checks it, then moves money and responds as the fault says.
func (v *simulator) create(w http.ResponseWriter, r *http.Request) {
	body, err := sandbox.ReadBody(w, r)
	if err != nil {
		_ = v.core.Arrive("")
		sandbox.WriteJSON(w, http.StatusBadRequest, detail("cuerpo ilegible"))
		return
	}
	sent, wrong := readPayment(body)
	if err := v.arrive(sent); err != nil {
		sandbox.WriteJSON(w, http.StatusServiceUnavailable, detail(err.Error()))
		return
	}
	f, b := v.core.ApplyFaults(r.Context(), sandbox.SendOperation, sent.ERPA, sent.Amount.String())
	v.expire(b)
	if refusal := v.refuse(r, wrong); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	sandbox.SendResponse(w, r, v.execute(sent, b, f), b, f)
}

func (v *simulator) expire(b sandbox.Behaviour) {
	if b.Reply == sandbox.ExpireTokens {
		v.tokens.Expire()
	}
}

func (v *simulator) arrive(sent payment) error {
	if err := v.core.Arrive(sent.ERPA); err != nil {
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
func (v *simulator) execute(sent payment, b sandbox.Behaviour, f sandbox.Fault) sandbox.Response {
	switch {
	case b.Reply == sandbox.Unauthorized:
		return sandbox.NewResponse(http.StatusUnauthorized, detail("Token inválido o expirado"))
	case b.Reply == sandbox.Duplicate:
		return sandbox.NewResponse(http.StatusOK, map[string]any{
			"result": nil, "operation": 11999, "errors": []any{map[string]any{"code": "duplicate", "message": "ya existe un pago para la instrucción"}},
		})
	case b.Reply == sandbox.Declined || b.Reply == sandbox.RejectedObject || b.Effect == sandbox.MovesNever:
		return refusal(f, v.Username)
	case b.Effect == sandbox.Untaken:
		return sandbox.NewResponse(http.StatusOK, map[string]any{"errors": []any{}})
	}
	o := v.core.Take(sent.order(), b, f)
	switch b.Reply {
	case sandbox.WrongTypes:
		return sandbox.NewResponse(http.StatusOK, map[string]any{"result": 7, "errors": "ninguno", "operation": []int{1}})
	case sandbox.UnknownStatus:
		return sandbox.NewResponse(http.StatusOK, map[string]any{"estado": "en_la_luna"})
	case sandbox.UnknownCode:
		return sandbox.NewResponse(http.StatusOK, map[string]any{"result": nil, "errors": map[string]any{"E-777": "algo pasó"}, "operation": 1})
	default: // deliver damages it
	}
	return sandbox.NewResponse(http.StatusOK, map[string]any{"result": sent.echo(), "errors": []any{}, "operation": 12000 + executionNumber(o.ID)})
}

// refusal names the person who logged in, as texts of portals do.
func refusal(f sandbox.Fault, username string) sandbox.Response {
	code := f.Code
	if code == "" {
		code = "invalid_instruction"
	}
	return sandbox.NewResponse(http.StatusOK, map[string]any{
		"result": nil, "operation": 11999,
		"errors": []any{map[string]any{"code": code, "message": "la instrucción no admite pagos de " + username}},
	})
}

func detail(text string) any { return map[string]any{"detail": text} }

// list responds with the payments that are registered for an instruction. What waits for a status
// query moves on afterwards.
func (v *simulator) list(w http.ResponseWriter, r *http.Request) {
	instruction, limit, offset, ok := readListing(r)
	reference := v.reference(instruction)
	operation := sandbox.StatusOperation
	if reference == "" {
		operation = sandbox.StepOperation
	}
	f, b := v.core.ApplyFaults(r.Context(), operation, reference, "")
	v.expire(b)
	switch {
	case b.Reply == sandbox.Unauthorized || !v.tokens.Bearer(r):
		sandbox.WriteJSON(w, http.StatusUnauthorized, detail("Token inválido o expirado"))
		return
	case !ok:
		sandbox.WriteJSON(w, http.StatusBadRequest, detail("instruction, limit y offset son números"))
		return
	}
	rows := v.rows(instruction, b)
	if reference != "" {
		v.core.Find("", reference)
	}
	sandbox.SendResponse(w, r, listing(rows, min(limit, v.PageSize), offset, b), b, f)
}

func readListing(r *http.Request) (instruction int64, limit, offset int, ok bool) {
	q := r.URL.Query()
	instruction, err := strconv.ParseInt(q.Get("instruction"), 10, 64)
	limit, err2 := strconv.Atoi(q.Get("limit"))
	offset, err3 := strconv.Atoi(q.Get("offset"))
	return instruction, limit, offset, len(q) == 3 && err == nil && err2 == nil && err3 == nil && limit > 0 && offset >= 0
}

func (v *simulator) reference(instruction int64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.references[instruction]
}

type row struct {
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
func (v *simulator) rows(instruction int64, b sandbox.Behaviour) []row {
	rows := []row{}
	if b.Reply == sandbox.NotFound {
		return rows
	}
	for _, e := range v.core.Executions() {
		named, _ := strconv.ParseInt(strings.TrimPrefix(e.Beneficiary, "instruction "), 10, 64)
		rows = append(rows, newRow(named, executionNumber(e.ID), e.Amount, v.Net, e.At))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	rows = append(rows, v.elsewhere...)
	kept := rows[:0]
	for _, r := range rows {
		if r.Instruction == instruction || v.AnyInstruction {
			kept = append(kept, spoilRow(r, b))
		}
	}
	return kept
}

func newRow(instruction, execution int64, amount string, net bool, at time.Time) row {
	stamp := at.UTC().Format(time.RFC3339)
	return row{
		ID: 500_000 + execution, Instruction: instruction, Execution: execution, Amount: json.Number(amount), IsNet: net,
		DTEs: []int{}, CreatedTS: stamp, UpdatedTS: stamp,
	}
}

func spoilRow(r row, b sandbox.Behaviour) row {
	switch b.Reply {
	case sandbox.WrongAmount:
		r.Amount = json.Number(fmt.Sprint(r.Amount) + "0")
	case sandbox.WrongTypes:
		r.Amount = []bool{true}
	default: // what is wrong, if anything, is not in the rows
	}
	return r
}

func listing(rows []row, limit, offset int, b sandbox.Behaviour) sandbox.Response {
	shown := rows[min(offset, len(rows)):min(offset+limit, len(rows))]
	body := map[string]any{"count": len(rows), "next": nil, "previous": nil, "results": shown}
	if b.Reply == sandbox.UnknownStatus || b.Reply == sandbox.UnknownCode {
		delete(body, "count")
	}
	return sandbox.NewResponse(http.StatusOK, body)
}

// executionNumber reads an id that the simulator gave.
func executionNumber(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64)
	return n
}
