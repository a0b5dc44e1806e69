package providers

// PayoutDetails name the instruction that a payment between companies settles (Coordinador).
type PayoutDetails struct {
	Debtor      int64   `json:"debtor"`
	Creditor    int64   `json:"creditor"`
	Instruction int64   `json:"instruction"`
	DTEs        []int64 `json:"dtes,omitempty"`
	// PaidOn is the bank's date of the payment, YYYY-MM-DD.
	PaidOn string `json:"paid_on"`
}

// IsZero reports whether there are no details.
func (d PayoutDetails) IsZero() bool {
	return d.Debtor == 0 && d.Creditor == 0 && d.Instruction == 0 && len(d.DTEs) == 0 && d.PaidOn == ""
}

// ChargeDetails hold what only one provider understands.
type ChargeDetails struct {
	// AntifraudToken is Pagando Check's, captured at enrolment; it may be empty.
	AntifraudToken Token `json:"antifraud_token,omitempty"`
	// UserBankCode is the payer's bank in ETpay's words, such as "cl_estado".
	UserBankCode string `json:"user_bank_code,omitempty"`
	// RUTBlock keeps ETpay's payer from paying under another RUT than the customer's document;
	// nil means that it does where there is one.
	RUTBlock *bool `json:"is_rut_block,omitempty"`
	// CompletedURL and CancellationURL are where ETpay sends the payer's browser. What arrives
	// there proves nothing.
	CompletedURL    string `json:"payment_completed_url,omitempty"`
	CancellationURL string `json:"payment_cancellation_url,omitempty"`
	// Metadata is what ETpay keeps with the session and shows to the payer.
	Metadata []Shown `json:"metadata,omitempty"`
}

// IsZero reports whether there are no details.
func (d ChargeDetails) IsZero() bool {
	return d.AntifraudToken == "" && d.UserBankCode == "" && d.RUTBlock == nil && d.CompletedURL == "" && d.CancellationURL == "" &&
		len(d.Metadata) == 0
}

// Shown is one named text of an ETpay session; Show says whether the payer sees it.
type Shown struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Show  bool   `json:"show"`
}
