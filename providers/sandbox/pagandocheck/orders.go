package pagandocheck

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/remesa/remesa/providers/sandbox"
)

// order makes an order that can be charged. It moves no money.
func (p *simulator) order(w http.ResponseWriter, r *http.Request) {
	var sent sentOrder
	wrong := sandbox.ReadStrict(w, r, &sent)
	f, b := p.core.ApplyFaults(r.Context(), sandbox.StepOperation, sent.CartID, sent.Total)
	if refusal := p.refuse(r, f, b); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	if wrong == "" {
		wrong = sent.check(p.Password)
	}
	switch {
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, p.failure("INVALID_REQUEST", wrong, "310"))
	case p.NoOrders:
		sandbox.WriteJSON(w, http.StatusOK, p.failure("NOT_ALLOWED", "the account has no shop", "305"))
	case b.Reply == sandbox.Declined:
		sandbox.WriteJSON(w, http.StatusOK, p.refusal(f, "", ""))
	default:
		id, err := p.keep(sent)
		if err != nil {
			sandbox.WriteJSON(w, http.StatusServiceUnavailable, p.failure("FULL", err.Error(), "999"))
			return
		}
		data := map[string]any{"orderId": id}
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, p.envelope("API_ORDERS", "SUCCESS_REQUEST", "Success", "0", data)), b, f)
	}
}

func (p *simulator) keep(sent sentOrder) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.core.CheckLimit(len(p.orders)); err != nil {
		return "", err
	}
	p.made++
	id := fmt.Sprintf("ord_%06d", p.made)
	p.orders[id] = &cart{id: id, reference: sent.CartID, total: sent.Total}
	return id, nil
}

func (p *simulator) cart(id string) (cart, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.orders[id]; c != nil {
		return *c, true
	}
	return cart{}, false
}

// charge counts the request, checks it, then moves money and responds as the fault says.
func (p *simulator) charge(w http.ResponseWriter, r *http.Request) {
	var sent sentCharge
	wrong := sandbox.ReadStrict(w, r, &sent)
	if err := p.core.Arrive(sent.reference()); err != nil {
		sandbox.WriteJSON(w, http.StatusServiceUnavailable, p.failure("FULL", err.Error(), "999"))
		return
	}
	f, b := p.core.ApplyFaults(r.Context(), sandbox.SendOperation, sent.reference(), sent.Amount)
	if refusal := p.refuse(r, f, b); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	if wrong == "" {
		wrong = sent.check(p)
	}
	if wrong != "" {
		sandbox.WriteJSON(w, http.StatusBadRequest, p.failure("INVALID_REQUEST", wrong, "310"))
		return
	}
	sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, p.execute(sent, b, f)), b, f)
}

func (p *simulator) execute(sent sentCharge, b sandbox.Behaviour, f sandbox.Fault) any {
	switch {
	case b.Effect == sandbox.Untaken && (b.Reply == sandbox.Declined || b.Reply == sandbox.RejectedObject):
		return p.refusal(f, sent.OrderID, sent.CardID)
	case b.Effect == sandbox.Untaken: // deliver damages it
		return p.failure("UNAVAILABLE", "", "302")
	}
	if c, _ := p.cart(sent.OrderID); c.charge != "" && p.Duplicates != sandbox.Execute {
		if first, _ := p.core.Known(c.charge); p.Duplicates == sandbox.Same {
			return p.show(first, b)
		}
		return p.refusal(sandbox.Fault{Code: "SWITCH_4025"}, sent.OrderID, sent.CardID)
	}
	o := p.core.Take(sent.order(), b, f)
	p.link(sent.OrderID, o.ID)
	return p.show(o, b)
}

func (p *simulator) link(orderID, charge string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.orders[orderID]; c != nil && c.charge == "" {
		c.charge = charge
	}
}

// refusal is the response to a charge that is not recorded. Its text names the card, as texts of
// banks do.
func (p *simulator) refusal(f sandbox.Fault, orderID, card string) any {
	code := f.Code
	if code == "" {
		code = "SWITCH_4051"
	}
	number, switched := strings.CutPrefix(code, "SWITCH_")
	switch {
	case switched:
		return map[string]any{
			"type": "AGREGADOR_SWITCH", "key": code, "message": "tarjeta " + card + " declinada", "code": number, "data": nil, "error": true,
		}
	case code == "71":
		data := map[string]any{"object": map[string]any{"id": cmp.Or(orderID, "ord_3ds")}}
		return p.envelope("API_ORDERS", "NEED_3DS", "3D Secure", code, data)
	}
	return p.failure("ORDER_ERROR", "tarjeta "+card, code)
}

// show is the response to a charge that was taken. One that is not paid yet gets what the provider
// sends where it does not know.
func (p *simulator) show(o sandbox.Order, b sandbox.Behaviour) any {
	ids := map[string]any{
		"folio": strings.TrimPrefix(o.ID, "pyt_"), "transactionNumber": "98" + strings.TrimPrefix(o.ID, "pyt_"),
		"reference": "PAG-" + strings.TrimPrefix(o.ID, "pyt_"), "orderNumber": "A1B2",
	}
	body := p.envelope("API_ORDERS", "SUCCESS_ORDER", "The order has been successfully completed", "72", nil)
	switch {
	case b.Reply == sandbox.WrongTypes:
		body["code"], ids["folio"] = true, []int{7}
	case b.Reply == sandbox.UnknownStatus:
		body["key"], body["code"] = "EN_LA_LUNA", p.code("9000")
	case b.Reply == sandbox.UnknownCode:
		return p.failure("ALGO", "algo pasó", "777")
	case o.State != sandbox.Paid:
		return p.failure("TRY_LATER", "try again later", "302")
	}
	body["data"] = map[string]any{"error": false, "message": "ok", "data": ids}
	if p.FlatIDs {
		body["data"] = ids
	}
	return body
}

// info responds with an order. A fault that damages the response leaves the charge as it is.
func (p *simulator) info(w http.ResponseWriter, r *http.Request) {
	c, known := p.cart(r.URL.Query().Get("orderId"))
	f, b := p.core.ApplyFaults(r.Context(), sandbox.StatusOperation, c.reference, "")
	if refusal := p.refuse(r, f, b); refusal != nil {
		sandbox.WriteJSON(w, refusal.Status, refusal.Body)
		return
	}
	if !known || b.Reply == sandbox.NotFound {
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, p.failure("ORDER_NOT_FOUND", "order not found", "312")), b, f)
		return
	}
	sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, map[string]any{"data": p.describe(c, b)}), b, f)
}

// describe says what became of an order: its payResponse is empty until the money moved.
func (p *simulator) describe(c cart, b sandbox.Behaviour) any {
	total := c.total
	if b.Reply == sandbox.WrongAmount {
		total = "1" + total
	}
	data := map[string]any{
		"cartId": c.reference, "orderIdECommerce": c.reference, "total": any(total), "transactionId": "", "payResponse": "", "paymentToken": "",
	}
	if p.NumberTotals {
		data["total"] = json.Number(total)
	}
	if c.charge == "" {
		return data
	}
	o, found := p.core.Find(c.charge, "")
	if found && o.State == sandbox.Paid {
		data["payResponse"], data["transactionId"] = "APPROVED", "tx-"+o.ID
		data["paymentToken"] = md5hex(p.Password + total + "tx-" + o.ID)
	} else if found && o.State == sandbox.Rejected {
		data["payResponse"] = "REJECTED"
	}
	return data
}
