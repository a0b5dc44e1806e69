package sandbox

import (
	"io"
	"net/http"
)

// VirtualPOSOptions says how the simulated VirtualPOS behaves when nothing is wrong. The zero value
// has the credentials "sandbox-api-key" and "sandbox-secret-key" and the paths that are assumed of
// the real one.
type VirtualPOSOptions struct {
	APIKey, SecretKey string
	// CreatePath, StatusPath (with {id}) and StatusByMerchantPath (with {merchant_id}).
	CreatePath, StatusPath, StatusByMerchantPath string
	// FlatBody expects the tef object itself as the body of a create request.
	FlatBody bool
	// SignedQuestions wants every question signed over the whole dictionary, as the provider's page
	// says; else the API key is enough.
	SignedQuestions bool
	// Duplicates is what a repeated merchant_id comes to; Execute unless set.
	Duplicates Duplicates
	// Whole answers repeat the beneficiary, too.
	Whole bool
	// NotFoundStatus is the HTTP status of "not found"; 404 unless set.
	NotFoundStatus int
}

// Duplicates is how a provider treats a reference that it has seen before.
type Duplicates string

// Ways with duplicates. Under Execute the money moves again: only then does a test prove the
// client's care and not the provider's.
const (
	Execute Duplicates = ""
	Same    Duplicates = "same"   // answers as the first time
	Refuse  Duplicates = "refuse" // refuses with 409
)

func (o VirtualPOSOptions) withDefaults() VirtualPOSOptions {
	for _, field := range []struct {
		value     *string
		otherwise string
	}{
		{&o.APIKey, "sandbox-api-key"}, {&o.SecretKey, "sandbox-secret-key"},
		{&o.CreatePath, "/v3/payout"}, {&o.StatusPath, "/v3/payout/{id}"},
		{&o.StatusByMerchantPath, "/v3/payout/merchant/{merchant_id}"},
	} {
		if *field.value == "" {
			*field.value = field.otherwise
		}
	}
	if o.NotFoundStatus == 0 {
		o.NotFoundStatus = http.StatusNotFound
	}
	return o
}

type virtualPOS struct {
	VirtualPOSOptions
	desk *Desk
}

func newVirtualPOS(o VirtualPOSOptions, d *Desk) http.Handler {
	v := &virtualPOS{VirtualPOSOptions: o.withDefaults(), desk: d}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+v.CreatePath, v.create)
	mux.HandleFunc("GET "+v.StatusPath, v.status)
	mux.HandleFunc("GET "+v.StatusByMerchantPath, v.status)
	return mux
}

// create counts the request, judges it, then does with money and answer what the fault says.
func (v *virtualPOS) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		_ = v.desk.arrive("")
		writeJSON(w, http.StatusBadRequest, nok("E-100", "cuerpo ilegible"))
		return
	}
	raw, sent, wrong := v.readTef(body)
	if err := v.desk.arrive(sent.MerchantID); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, nok("E-999", err.Error()))
		return
	}
	delay, f, b := v.desk.fault(Send, sent.MerchantID, string(sent.Amount))
	wait(r.Context(), delay)
	if refusal := v.refuseCreate(r, raw, wrong); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	deliver(w, r, v.execute(sent, raw, b, f), b.reply, f)
}

func (v *virtualPOS) execute(sent tef, raw []byte, b behaviour, f Fault) answer {
	if refusal := v.untaken(sent, b, f); refusal != nil {
		return *refusal
	}
	if first, found := v.desk.earlier(sent.MerchantID); found && v.Duplicates == Same {
		return v.show(first, b, f)
	} else if found && v.Duplicates == Refuse {
		return answer{http.StatusConflict, nok("E-121", "merchant_id duplicado")}
	}
	return v.show(v.desk.take(sent.order(raw), b, f), b, f)
}

// untaken is the answer to a payment that is not recorded. Its text names the person, as texts of
// banks do.
func (v *virtualPOS) untaken(sent tef, b behaviour, f Fault) *answer {
	if b.moves != untaken {
		return nil
	}
	code := f.Code
	if code == "" {
		code = "E-120"
	}
	switch b.reply {
	case unauthorized:
		return &answer{http.StatusUnauthorized, nok("E-001", "api_key desconocida")}
	case taken:
		return &answer{http.StatusConflict, nok("E-121", "merchant_id duplicado")}
	case declined:
		return &answer{http.StatusUnprocessableEntity, nok(code, "transferencia rechazada: "+sent.Recipient.Name+", cuenta "+sent.Bank.AccountNumber)}
	case rejectedObj:
		return &answer{http.StatusCreated, map[string]any{
			"status": "OK", "code": 201, "rejected_object": map[string]any{"code": code, "message": "saldo insuficiente"},
		}}
	default: // deliver damages it
		return &answer{http.StatusOK, map[string]any{"status": "OK", "code": 200}}
	}
}

// status answers by id or by merchant id. A fault that damages the answer leaves the payment as it
// is.
func (v *virtualPOS) status(w http.ResponseWriter, r *http.Request) {
	id, reference := r.PathValue("id"), r.PathValue("merchant_id")
	if refusal := v.refuseStatus(r, id, reference); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	delay, f, b := v.desk.fault(Ask, v.reference(id, reference), "")
	wait(r.Context(), delay)
	if b.reply == unauthorized {
		writeJSON(w, http.StatusUnauthorized, nok("E-001", "api_key desconocida"))
		return
	}
	o, found := v.desk.find(id, reference)
	if !found || b.reply == absent {
		deliver(w, r, answer{v.NotFoundStatus, nok("E-041", "no existe")}, b.reply, f)
		return
	}
	deliver(w, r, v.show(o, b, f), b.reply, f)
}

func (v *virtualPOS) reference(id, reference string) string {
	if id == "" {
		return reference
	}
	o, _ := v.desk.known(id)
	return o.Reference
}

var words = map[state]string{hidden: "pendiente", pending: "pendiente", paid: "pagado", rejected: "rechazado"}

func (v *virtualPOS) show(o order, b behaviour, f Fault) answer {
	payout := map[string]any{"id": o.ID, "merchant_id": o.Reference, "status": words[o.state], "amount": number(o.Amount)}
	if v.Whole {
		rut, bank, account := beneficiary(o.Execution)
		payout["recipient"] = map[string]any{"rut": rut}
		payout["bank"] = map[string]any{"sbif_code": bank, "account_number": account}
	}
	switch b.reply {
	case wrongTypes:
		payout["status"], payout["id"], payout["amount"] = true, []int{7}, map[string]any{"clp": "x"}
	case oddStatus:
		payout["status"] = "en_la_luna"
	case wrongAmount:
		payout["amount"] = number(o.Amount + "0")
	case oddCode:
		return answer{http.StatusOK, nok("E-777", "algo pasó")}
	case rejectedToo:
		return answer{http.StatusCreated, map[string]any{"status": "OK", "code": 201, "payout": payout, "rejected_object": rejection(f)}}
	default: // what is wrong, if anything, is not in the words
	}
	return answer{http.StatusOK, map[string]any{"status": "OK", "code": 200, "payout": payout}}
}

// rejection is the object without a fault's code, as it was seen beside a payment that was paid.
func rejection(f Fault) any {
	if f.Code == "" {
		return map[string]any{"code": "0", "message": "Operación exitosa", "doc_url": ""}
	}
	return map[string]any{"code": f.Code, "message": "saldo insuficiente", "doc_url": ""}
}

func nok(code, message string) any {
	return map[string]any{"status": "NOK", "error": map[string]any{"error_code": code, "message": message, "doc_url": ""}}
}
