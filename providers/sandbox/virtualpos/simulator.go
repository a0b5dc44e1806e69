// Package virtualpos simulates VirtualPOS (Chile).
package virtualpos

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/remesa/remesa/providers/sandbox"
)

// Name is the provider's; it is served below a slash and its name.
const Name = "virtualpos"

// Options says how the simulated VirtualPOS behaves when nothing is wrong. The zero value
// has the credentials "sandbox-api-key" and "sandbox-secret-key" and the paths that are assumed of
// the real one.
type Options struct {
	APIKey, SecretKey string
	// CreatePath, StatusPath (with {id}) and StatusByMerchantPath (with {merchant_id}).
	CreatePath, StatusPath, StatusByMerchantPath string
	// FlatBody expects the tef object itself as the body of a create request.
	FlatBody bool
	// SignedQueries wants every status query signed over the whole dictionary, as the provider's
	// page says; else the API key is enough.
	SignedQueries bool
	// Duplicates is what a repeated merchant_id comes to; Execute unless set.
	Duplicates sandbox.Duplicates
	// Whole responses repeat the beneficiary, too.
	Whole bool
	// NotFoundStatus is the HTTP status of "not found"; 404 unless set.
	NotFoundStatus int
}

type simulator struct {
	Options
	core *sandbox.Simulator
}

// New is a simulated VirtualPOS.
func New(o Options, core sandbox.Options) *sandbox.Provider {
	v := &simulator{Options: o.withDefaults(), core: sandbox.NewSimulator("pyt_%06d", core)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+v.CreatePath, v.create)
	mux.HandleFunc("GET "+v.StatusPath, v.status)
	mux.HandleFunc("GET "+v.StatusByMerchantPath, v.status)
	return sandbox.NewProvider("virtualpos", v.core, mux, v.settings)
}

func (o Options) withDefaults() Options {
	o.APIKey, o.SecretKey = cmp.Or(o.APIKey, "sandbox-api-key"), cmp.Or(o.SecretKey, "sandbox-secret-key")
	o.CreatePath = cmp.Or(o.CreatePath, "/v3/payout")
	o.StatusPath = cmp.Or(o.StatusPath, "/v3/payout/{id}")
	o.StatusByMerchantPath = cmp.Or(o.StatusByMerchantPath, "/v3/payout/merchant/{merchant_id}")
	o.NotFoundStatus = cmp.Or(o.NotFoundStatus, http.StatusNotFound)
	return o
}

func (v *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_VIRTUALPOS_BASE_URL", Value: base}, {Name: "REMESA_VIRTUALPOS_API_KEY", Value: v.APIKey},
		{Name: "REMESA_VIRTUALPOS_SECRET_KEY", Value: v.SecretKey},
	}
}

// create counts the request, checks it, then moves money and responds as the fault says.
func (v *simulator) create(w http.ResponseWriter, r *http.Request) {
	body, err := sandbox.ReadBody(w, r)
	if err != nil {
		_ = v.core.Arrive("")
		sandbox.WriteJSON(w, http.StatusBadRequest, nok("E-100", "cuerpo ilegible"))
		return
	}
	raw, sent, wrong := v.readTef(body)
	if err := v.core.Arrive(sent.MerchantID); err != nil {
		sandbox.WriteJSON(w, http.StatusServiceUnavailable, nok("E-999", err.Error()))
		return
	}
	f, b := v.core.ApplyFaults(r.Context(), sandbox.SendOperation, sent.MerchantID, string(sent.Amount))
	if refusal := v.refuseCreate(r, raw, wrong); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	sandbox.SendResponse(w, r, v.execute(sent, raw, b, f), b, f)
}

func (v *simulator) execute(sent tef, raw []byte, b sandbox.Behaviour, f sandbox.Fault) sandbox.Response {
	if refusal := v.untaken(sent, b, f); refusal != nil {
		return *refusal
	}
	if first, found := v.core.Earlier(sent.MerchantID); found && v.Duplicates == sandbox.Same {
		return v.show(first, b, f)
	} else if found && v.Duplicates == sandbox.Refuse {
		return sandbox.NewResponse(http.StatusConflict, nok("E-121", "merchant_id duplicado"))
	}
	return v.show(v.core.Take(sent.order(raw), b, f), b, f)
}

// untaken is the response to a payment that is not recorded. Its text names the person, as texts of
// banks do.
func (v *simulator) untaken(sent tef, b sandbox.Behaviour, f sandbox.Fault) *sandbox.Response {
	if b.Effect != sandbox.Untaken {
		return nil
	}
	code := f.Code
	if code == "" {
		code = "E-120"
	}
	switch b.Reply {
	case sandbox.Unauthorized:
		return sandbox.Refusal(http.StatusUnauthorized, nok("E-001", "api_key desconocida"))
	case sandbox.Duplicate:
		return sandbox.Refusal(http.StatusConflict, nok("E-121", "merchant_id duplicado"))
	case sandbox.Declined:
		return sandbox.Refusal(http.StatusUnprocessableEntity, nok(code, "transferencia rechazada: "+sent.Recipient.Name+", cuenta "+sent.Bank.AccountNumber))
	case sandbox.RejectedObject:
		return sandbox.Refusal(http.StatusCreated, map[string]any{
			"status": "OK", "code": 201, "rejected_object": map[string]any{"code": code, "message": "saldo insuficiente"},
		})
	default: // deliver damages it
		return sandbox.Refusal(http.StatusOK, map[string]any{"status": "OK", "code": 200})
	}
}

// status responds by id or by merchant id. A fault that damages the response leaves the payment as
// it is.
func (v *simulator) status(w http.ResponseWriter, r *http.Request) {
	id, reference := r.PathValue("id"), r.PathValue("merchant_id")
	if refusal := v.refuseStatus(r, id, reference); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	f, b := v.core.ApplyFaults(r.Context(), sandbox.StatusOperation, v.reference(id, reference), "")
	if b.Reply == sandbox.Unauthorized {
		sandbox.WriteJSON(w, http.StatusUnauthorized, nok("E-001", "api_key desconocida"))
		return
	}
	o, found := v.core.Find(id, reference)
	if !found || b.Reply == sandbox.NotFound {
		sandbox.SendResponse(w, r, sandbox.NewResponse(v.NotFoundStatus, nok("E-041", "no existe")), b, f)
		return
	}
	sandbox.SendResponse(w, r, v.show(o, b, f), b, f)
}

func (v *simulator) reference(id, reference string) string {
	if id == "" {
		return reference
	}
	o, _ := v.core.Known(id)
	return o.Reference
}

var words = map[sandbox.State]string{sandbox.Hidden: "pendiente", sandbox.Pending: "pendiente", sandbox.Paid: "pagado", sandbox.Rejected: "rechazado"}

func (v *simulator) show(o sandbox.Order, b sandbox.Behaviour, f sandbox.Fault) sandbox.Response {
	payout := map[string]any{"id": o.ID, "merchant_id": o.Reference, "status": words[o.State], "amount": json.Number(o.Amount)}
	if v.Whole {
		rut, bank, account := beneficiary(o.Execution)
		payout["recipient"] = map[string]any{"rut": rut}
		payout["bank"] = map[string]any{"sbif_code": bank, "account_number": account}
	}
	switch b.Reply {
	case sandbox.WrongTypes:
		payout["status"], payout["id"], payout["amount"] = true, []int{7}, map[string]any{"clp": "x"}
	case sandbox.UnknownStatus:
		payout["status"] = "en_la_luna"
	case sandbox.WrongAmount:
		payout["amount"] = json.Number(o.Amount + "0")
	case sandbox.UnknownCode:
		return sandbox.NewResponse(http.StatusOK, nok("E-777", "algo pasó"))
	case sandbox.RejectionBeside:
		return sandbox.NewResponse(http.StatusCreated, map[string]any{"status": "OK", "code": 201, "payout": payout, "rejected_object": rejection(f)})
	default: // what is wrong, if anything, is not in the words
	}
	return sandbox.NewResponse(http.StatusOK, map[string]any{"status": "OK", "code": 200, "payout": payout})
}

// rejection is the object without a fault's code, as it was seen beside a payment that was paid.
func rejection(f sandbox.Fault) any {
	if f.Code == "" {
		return map[string]any{"code": "0", "message": "Operación exitosa", "doc_url": ""}
	}
	return map[string]any{"code": f.Code, "message": "saldo insuficiente", "doc_url": ""}
}

func nok(code, message string) any {
	return map[string]any{"status": "NOK", "error": map[string]any{"error_code": code, "message": message, "doc_url": ""}}
}
