package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// order makes an order that can be charged. It moves no money.
func (p *pagandoCheck) order(w http.ResponseWriter, r *http.Request) {
	var sent pagandoOrder
	wrong := readStrict(w, r, &sent)
	delay, f, b := p.desk.fault(Step, sent.CartID, sent.Total)
	wait(r.Context(), delay)
	if refusal := p.refuse(r, f, b); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	if wrong == "" {
		wrong = sent.check(p.Password)
	}
	switch {
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, p.failure("INVALID_REQUEST", wrong, "310"))
	case p.NoOrders:
		writeJSON(w, http.StatusOK, p.failure("NOT_ALLOWED", "the account has no shop", "305"))
	case b.reply == declined:
		writeJSON(w, http.StatusOK, p.refusal(f, "", ""))
	default:
		id, err := p.keep(sent)
		if err != nil {
			writeJSON(w, http.StatusServiceUnavailable, p.failure("FULL", err.Error(), "999"))
			return
		}
		data := map[string]any{"orderId": id}
		deliver(w, r, answer{http.StatusOK, p.envelope("API_ORDERS", "SUCCESS_REQUEST", "Success", "0", data)}, b.reply, f)
	}
}

func (p *pagandoCheck) keep(sent pagandoOrder) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.orders) >= p.desk.limit {
		return "", errFull
	}
	p.made++
	id := fmt.Sprintf("ord_%06d", p.made)
	p.orders[id] = &cart{id: id, reference: sent.CartID, total: sent.Total}
	return id, nil
}

func (p *pagandoCheck) cart(id string) (cart, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.orders[id]; c != nil {
		return *c, true
	}
	return cart{}, false
}

// charge counts the request, judges it, then does with money and answer what the fault says.
func (p *pagandoCheck) charge(w http.ResponseWriter, r *http.Request) {
	var sent pagandoCharge
	wrong := readStrict(w, r, &sent)
	if err := p.desk.arrive(sent.reference()); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, p.failure("FULL", err.Error(), "999"))
		return
	}
	delay, f, b := p.desk.fault(Send, sent.reference(), sent.Amount)
	wait(r.Context(), delay)
	if refusal := p.refuse(r, f, b); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	if wrong == "" {
		wrong = sent.check(p)
	}
	if wrong != "" {
		writeJSON(w, http.StatusBadRequest, p.failure("INVALID_REQUEST", wrong, "310"))
		return
	}
	deliver(w, r, answer{http.StatusOK, p.execute(sent, b, f)}, b.reply, f)
}

func (p *pagandoCheck) execute(sent pagandoCharge, b behaviour, f Fault) any {
	switch {
	case b.moves == untaken && (b.reply == declined || b.reply == rejectedObj):
		return p.refusal(f, sent.OrderID, sent.CardID)
	case b.moves == untaken: // deliver damages it
		return p.failure("UNAVAILABLE", "", "302")
	}
	if c, _ := p.cart(sent.OrderID); c.charge != "" && p.Duplicates != Execute {
		if first, _ := p.desk.known(c.charge); p.Duplicates == Same {
			return p.show(first, b)
		}
		return p.refusal(Fault{Code: "SWITCH_4025"}, sent.OrderID, sent.CardID)
	}
	o := p.desk.take(sent.order(), b, f)
	p.link(sent.OrderID, o.ID)
	return p.show(o, b)
}

func (p *pagandoCheck) link(orderID, charge string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.orders[orderID]; c != nil && c.charge == "" {
		c.charge = charge
	}
}

// refusal is the answer to a charge that is not recorded. Its text names the card, as texts of banks do.
func (p *pagandoCheck) refusal(f Fault, orderID, card string) any {
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
		data := map[string]any{"object": map[string]any{"id": orDefault(orderID, "ord_3ds")}}
		return p.envelope("API_ORDERS", "NEED_3DS", "3D Secure", code, data)
	}
	return p.failure("ORDER_ERROR", "tarjeta "+card, code)
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// show is the answer to a charge that was taken. One that is not paid yet is answered as the provider does where it cannot tell.
func (p *pagandoCheck) show(o order, b behaviour) any {
	ids := map[string]any{
		"folio": strings.TrimPrefix(o.ID, "pyt_"), "transactionNumber": "98" + strings.TrimPrefix(o.ID, "pyt_"),
		"reference": "PAG-" + strings.TrimPrefix(o.ID, "pyt_"), "orderNumber": "A1B2",
	}
	body := p.envelope("API_ORDERS", "SUCCESS_ORDER", "The order has been successfully completed", "72", nil)
	switch {
	case b.reply == wrongTypes:
		body["code"], ids["folio"] = true, []int{7}
	case b.reply == oddStatus:
		body["key"], body["code"] = "EN_LA_LUNA", p.code("9000")
	case b.reply == oddCode:
		return p.failure("ALGO", "algo pasó", "777")
	case o.state != paid:
		return p.failure("TRY_LATER", "try again later", "302")
	}
	body["data"] = map[string]any{"error": false, "message": "ok", "data": ids}
	if p.FlatIDs {
		body["data"] = ids
	}
	return body
}

// info answers about an order. A fault that damages the answer leaves the charge as it is.
func (p *pagandoCheck) info(w http.ResponseWriter, r *http.Request) {
	c, known := p.cart(r.URL.Query().Get("orderId"))
	delay, f, b := p.desk.fault(Ask, c.reference, "")
	wait(r.Context(), delay)
	if refusal := p.refuse(r, f, b); refusal != nil {
		writeJSON(w, refusal.status, refusal.body)
		return
	}
	if !known || b.reply == absent {
		deliver(w, r, answer{http.StatusOK, p.failure("ORDER_NOT_FOUND", "order not found", "312")}, b.reply, f)
		return
	}
	deliver(w, r, answer{http.StatusOK, map[string]any{"data": p.describe(c, b)}}, b.reply, f)
}

// describe says what became of an order: its payResponse is empty until the money moved.
func (p *pagandoCheck) describe(c cart, b behaviour) any {
	total := c.total
	if b.reply == wrongAmount {
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
	o, found := p.desk.find(c.charge, "")
	if found && o.state == paid {
		data["payResponse"], data["transactionId"] = "APPROVED", "tx-"+o.ID
		data["paymentToken"] = md5hex(p.Password + total + "tx-" + o.ID)
	} else if found && o.state == rejected {
		data["payResponse"] = "REJECTED"
	}
	return data
}
