package main

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/export"
	"github.com/remesa/remesa/internal/version"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/schedule"
)

type exportCmd struct {
	From     string `placeholder:"WHEN" help:"Only payments to which something happened since: a date, a time (RFC 3339), or a duration back such as 24h. With --dir a date: the archive's first day."`
	To       string `placeholder:"WHEN" help:"… and before: a time, or the end of a date. With --dir a date: the last day; without it the last day that is over."`
	Dir      string `placeholder:"FOLDER" help:"Add the days that are missing to this archive, instead of writing one export to stdout."`
	Zone     string `placeholder:"ZONE" help:"Time zone in which days begin and times are written, such as America/Santiago; without it that of --timezone."`
	Provider string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
	CSV      bool   `name:"csv" help:"With --dir: also as CSV, for spreadsheets."`
	Personal bool   `help:"Also what may be about people: message, action_url, metadata, and the words of providers in the history."`
	By       string `placeholder:"NAME" help:"Who exports; without it the system's user. Written into the manifest."`
}

// Validate checks what can be checked before the store is asked.
func (c *exportCmd) Validate() error {
	if c.CSV && c.Dir == "" {
		return usage("--csv goes with --dir")
	}
	zone, err := c.zone("UTC")
	if err != nil {
		return err
	}
	if c.Dir != "" {
		_, _, err = c.days()
		return err
	}
	_, _, err = c.bounds(time.Now(), zone)
	return err
}

// zone is --zone, or else the setting's.
func (c *exportCmd) zone(setting string) (*time.Location, error) {
	zone, err := schedule.LoadZone(cmp.Or(c.Zone, setting))
	if err != nil {
		return nil, usage("--zone: %w", err)
	}
	return zone, nil
}

// days are --from and --to of an archive.
func (c *exportCmd) days() (from, until *export.Day, err error) {
	read := func(flag, text string) (*export.Day, error) {
		if text == "" {
			return nil, nil
		}
		d, err := export.ParseDay(text)
		if err != nil {
			return nil, usage("%s: with --dir it %w", flag, err)
		}
		return &d, nil
	}
	if from, err = read("--from", c.From); err != nil {
		return nil, nil, err
	}
	until, err = read("--to", c.To)
	return from, until, err
}

// bounds are --from and --to of one export.
func (c *exportCmd) bounds(now time.Time, zone *time.Location) (from, until time.Time, err error) {
	read := func(flag, text string, after int) (time.Time, error) {
		if text == "" {
			return time.Time{}, nil
		}
		if d, err := export.ParseDay(text); err == nil {
			return d.Add(after).Begins(zone), nil
		}
		return pastTime(flag, text, now)
	}
	if from, err = read("--from", c.From, 0); err != nil {
		return from, until, err
	}
	until, err = read("--to", c.To, 1)
	return from, until, err
}

// Run writes one export to stdout, or the missing days of an archive.
func (c *exportCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	if c.Dir != "" {
		return c.archive(a, o)
	}
	if o.From, o.Until, err = c.bounds(o.Now, o.Zone); err != nil {
		return err
	}
	m, err := export.Write(a.ctx, a.ledger, o, a.out)
	if err != nil {
		return a.failed(err)
	}
	a.say(a.text.CLI.Export.Exported(countOf(a.text, int(m.Records))))
	if err := a.flush(); err != nil {
		return err
	}
	return a.leftOut(m)
}

func (c *exportCmd) options(a *app) (export.Options, error) {
	if c.Personal && a.keys != nil {
		return export.Options{}, usageError{a.keys} // what stays sealed is no archive
	}
	key, err := a.config.Signer()
	if err != nil {
		return export.Options{}, usageError{err}
	}
	zone, err := c.zone(a.config.Timezone)
	if err != nil {
		return export.Options{}, err
	}
	now, err := a.rdb.Time(a.ctx).Result()
	if err != nil {
		return export.Options{}, a.failed(err)
	}
	all := catalog.Names()
	if c.Provider != "" {
		all = []string{c.Provider}
	}
	return export.Options{
		Providers: all, Provider: c.Provider, Zone: zone, Personal: c.Personal, CSV: c.CSV, Now: now, By: cmp.Or(c.By, systemUser()),
		Program: version.String(), Key: key,
	}, nil
}

// systemUser is who runs the command, as far as the system says; a container may have no names.
func systemUser() string {
	host, _ := os.Hostname()
	u, err := user.Current()
	if err != nil {
		return fmt.Sprintf("uid %d at %s", os.Getuid(), host)
	}
	return u.Username + " at " + host
}

// exportedDay is the line that --dir prints for each day.
type exportedDay struct {
	Day      string         `json:"day"`
	Manifest string         `json:"manifest"`
	SHA256   string         `json:"sha256"`
	Records  int64          `json:"records"`
	Totals   []export.Total `json:"totals"`
}

func (c *exportCmd) archive(a *app, o export.Options) error {
	from, until, err := c.days()
	if err != nil {
		return err
	}
	archive := export.Archive{Folder: c.Dir}
	days, err := archive.Missing(o, from, until)
	if err != nil {
		return archiveError(a, err)
	}
	var left error
	for _, d := range days {
		e, err := archive.Add(a.ctx, a.ledger, o, d)
		if err != nil {
			return archiveError(a, err)
		}
		if err := a.print(exportedDay{e.Manifest.Day, e.Name, e.SHA256, e.Manifest.Records, e.Manifest.Totals}); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
		left = errors.Join(left, a.leftOut(e.Manifest))
	}
	if len(days) == 0 {
		a.say(a.text.CLI.Export.NothingMissing)
	}
	return left
}

// archiveError is a refusal, or a failure of the store or the disk.
func archiveError(a *app, err error) error {
	if errors.Is(err, export.ErrArchive) {
		a.notice("%s", err)
		return exitError(exitRefused)
	}
	return a.failed(err)
}

// leftOut reports records that could not be read.
func (a *app) leftOut(m export.Manifest) error {
	for _, key := range m.Damaged {
		a.say(a.text.CLI.Export.Damaged(key))
	}
	if len(m.Damaged) > 0 {
		return exitError(exitRefused)
	}
	return nil
}

type verifyCmd struct {
	Path      string `arg:"" name:"file" help:"A file of an export, a manifest, or the folder of an archive."`
	PublicKey string `placeholder:"BASE64" help:"Every manifest must be signed by this key: the public_key of a manifest, as it was noted elsewhere."`
	Head      string `placeholder:"SHA256" help:"The newest manifest must have this hash, as it was noted elsewhere."`
	JSON      bool   `name:"json" help:"As one JSON object."`

	AgainstLedger bool `help:"Also hold the payments against the ledger as it stands now, which needs Redis: which are gone, differ though nothing that happened later explains it, or were added for the days of the export."`
}

// Validate reads the key.
func (c *verifyCmd) Validate() error {
	if c.AgainstLedger && strings.HasSuffix(c.Path, ".csv") {
		return usage("--against-ledger: needs the JSON Lines, their manifest or the folder")
	}
	_, err := c.public()
	return err
}

func (c *verifyCmd) public() (ed25519.PublicKey, error) {
	if c.PublicKey == "" {
		return nil, nil
	}
	raw, err := base64.StdEncoding.DecodeString(c.PublicKey)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, usage("--public-key: not a key of 32 bytes in base64, as in a manifest's public_key")
	}
	return raw, nil
}

// Run says whether an export is as it was written.
func (c *verifyCmd) Run(a *app) error {
	public, err := c.public()
	if err != nil {
		return err
	}
	v, compared, err := c.verify(a, export.Checks{Public: public, Head: c.Head})
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.print(verifiedExport{v, compared})
	} else {
		a.tellVerified(v)
		a.tellCompared(compared)
	}
	if err != nil {
		return err
	}
	if err := a.flush(); err != nil {
		return err
	}
	if !v.Intact() || compared != nil && !compared.Agrees() {
		return exitError(exitRefused)
	}
	return nil
}

// verifiedExport is what --json prints; Ledger only with --against-ledger.
type verifiedExport struct {
	*export.Verified
	Ledger *export.Compared `json:"ledger,omitempty"`
}

func (c *verifyCmd) verify(a *app, checks export.Checks) (*export.Verified, *export.Compared, error) {
	if !c.AgainstLedger {
		v, err := export.Verify(c.Path, checks)
		return v, nil, err
	}
	now, err := a.rdb.Time(a.ctx).Result()
	if err != nil {
		return nil, nil, a.failed(err)
	}
	return export.VerifyAgainst(a.ctx, c.Path, checks, export.Against{
		Ledger: a.ledger, Now: now, Retention: a.config.LedgerRetention, Providers: catalog.Names(),
	})
}

// tellCompared writes for people what came of the ledger; nothing where it was not asked.
func (a *app) tellCompared(c *export.Compared) {
	if c == nil {
		return
	}
	for _, p := range c.Problems {
		a.printf("%s\n", p)
	}
	if c.More > 0 {
		a.printf("and %d more problems\n", c.More)
	}
	word := "the ledger agrees"
	if !c.Agrees() {
		word = "THE LEDGER DIFFERS"
	}
	a.printf("%s: %d records compared, %d of them changed later, %d are older than it keeps; %d gone, %d changed, %d added\n",
		word, c.Records, c.Later, c.Expired, c.Gone, c.Changed, c.Added)
}

// tellVerified writes for people; what cannot be written, the flush that follows tells.
func (a *app) tellVerified(v *export.Verified) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format+"\n", args...) }
	for _, p := range v.Problems {
		line("%s", p)
	}
	if v.More > 0 {
		line("and %d more problems", v.More)
	}
	word := "intact"
	if !v.Intact() {
		word = "NOT INTACT"
	}
	line("%s: %d records in %d files", word, v.Records, v.Files)
	if v.First != "" {
		line("days %s to %s", v.First, v.Last)
	}
	if v.Before != "" {
		line("the chain goes on before the first of them: %s is not here", v.Before)
	}
	if v.Head != "" {
		line("hash of the newest manifest: %s", v.Head)
	}
}
