package deploytest

import (
	"context"
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// image is the last stage of the Dockerfile.
type image struct {
	copies                [][]string // sources and target of each COPY --from=build
	user, entry, cmd, hck string
}

func readImage(t testing.TB) image {
	t.Helper()
	_, last, _ := strings.Cut(file(t, "deploy/Dockerfile"), "\nFROM scratch\n")
	last = strings.ReplaceAll(last, "\\\n", " ")
	var m image
	for line := range strings.Lines(last) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "COPY":
			from, paths, _ := strings.Cut(rest, " ")
			if from != "--from=build" {
				t.Fatalf("COPY %s", rest)
			}
			m.copies = append(m.copies, strings.Fields(paths))
		case "USER":
			m.user = rest
		case "ENTRYPOINT":
			m.entry = rest
		case "CMD":
			m.cmd = rest
		case "HEALTHCHECK":
			m.hck = rest[strings.Index(rest, "["):]
		}
	}
	return m
}

func words(t testing.TB, list string) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(list), &out); err != nil {
		t.Fatalf("%q: %s", list, err)
	}
	return out
}

// unpack makes the folder that the image's file system would be.
func (m image) unpack(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	// Everyone may read: in the image the folders belong to root, too.
	for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		_ = os.Chmod(dir, 0o755)
	}
	for _, paths := range m.copies {
		target := paths[len(paths)-1]
		for _, source := range paths[:len(paths)-1] {
			to := target
			if strings.HasSuffix(to, "/") {
				to = filepath.Join(to, filepath.Base(source))
			}
			m.copy(t, source, filepath.Join(folder, to))
		}
	}
	return folder
}

// copy takes what the build stage made from our own build, and its certificates from this machine.
func (m image) copy(t testing.TB, source, to string) {
	t.Helper()
	if source == "/out/LICENCES" {
		return // see TestReleasesPassOnTheLicences
	}
	from := source
	if name, ok := strings.CutPrefix(source, "/out/"); ok {
		from = commands.Path(t, name)
	}
	in, err := os.Open(from)
	if os.IsNotExist(err) && strings.HasPrefix(source, "/etc/ssl/") {
		return // this machine keeps them elsewhere
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// composed are the variables that compose.yaml gives the worker.
func composed(t testing.TB) map[string]string {
	t.Helper()
	_, worker, _ := strings.Cut(file(t, "deploy/compose.yaml"), "\n  worker:\n")
	_, rest, _ := strings.Cut(worker, "\n    environment:\n")
	env := assignments(file(t, "deploy/systemd/worker.env"))
	line := regexp.MustCompile(`^      (\w+): (\S+)$`)
	for text := range strings.Lines(rest) {
		text = strings.TrimRight(text, "\n")
		if found := line.FindStringSubmatch(text); found != nil {
			env[found[1]] = found[2]
		} else if !strings.HasPrefix(strings.TrimSpace(text), "#") {
			break
		}
	}
	return env
}

// TestAsTheContainerDoes: the released binary in an empty root with what the Dockerfile copies, as
// its user, with the variables and secrets of compose.yaml; only the port is another.
func TestAsTheContainerDoes(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make an empty folder the root of a process")
	}
	m := readImage(t)
	folder := m.unpack(t)
	secrets := filepath.Join(folder, "run/secrets")
	if err := os.MkdirAll(secrets, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"redis_url": startStore(t).as("remesa"), "dashboard_password": password, "virtualpos_api_key": "key", "virtualpos_secret_key": "secret",
	} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := composed(t)
	if env["REMESA_REDIS_URL_FILE"] != "/run/secrets/redis_url" {
		t.Fatalf("the variables of compose.yaml: %v", env)
	}
	env["REMESA_HTTP_ADDR"] = strings.Replace(env["REMESA_HTTP_ADDR"], ":8080", ":"+freePort(t), 1)

	inside := func(args []string) *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
		cmd.Dir = "/"
		id, err := strconv.ParseUint(strings.Split(m.user, ":")[0], 10, 32)
		if err != nil || id == 0 {
			t.Fatalf("USER %s is not the number of an ordinary user", m.user)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: folder, Credential: &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}}
		return cmd
	}
	p := run(t, inside(append(words(t, m.entry), words(t, m.cmd)...)), env)
	p.awaitReady(t)
	for _, args := range [][]string{words(t, m.hck), append(words(t, m.hck), "--ready")} {
		check := run(t, inside(args), env)
		if code := check.Exit(testTimeout); code != 0 {
			t.Errorf("%v: exit code %d of a worker that is well: %s", args, code, check.Output())
		}
	}
	p.Drain(testTimeout)
	check := run(t, inside(words(t, m.hck)), env)
	if check.Exit(testTimeout) == 0 {
		t.Error("a worker that is gone is well")
	}
}

// TestTheReleasedBinaryNeedsNothing: no loader and no library, or it could not start in an image
// without them.
func TestTheReleasedBinaryNeedsNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"worker", "enqueue"} {
		f, err := elf.Open(commands.Path(t, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if libraries, _ := f.ImportedLibraries(); len(libraries) > 0 {
			t.Errorf("%s needs %v", name, libraries)
		}
		for _, part := range f.Progs {
			if part.Type == elf.PT_INTERP {
				t.Errorf("%s needs a loader", name)
			}
		}
	}
}

// TestReleasesSayWhatIsInThem: the bill of materials lists each module of the binary with its
// checksum; no path of this machine is in it.
func TestReleasesSayWhatIsInThem(t *testing.T) {
	t.Parallel()
	worker := commands.Path(t, "worker")
	text, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts/sbom.sh"), worker).Output()
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		BOMFormat, SpecVersion string
		Components             []struct {
			Name, Version, PURL string
			Properties          []struct{ Name, Value string }
		}
	}
	if err := json.Unmarshal(text, &sbom); err != nil {
		t.Fatalf("%s\n%s", err, text)
	}
	found := false
	for _, c := range sbom.Components {
		if c.Name == "github.com/redis/go-redis/v9" {
			found = c.PURL == "pkg:golang/"+c.Name+"@"+c.Version && len(c.Properties) == 1 && strings.HasPrefix(c.Properties[0].Value, "h1:")
		}
	}
	if sbom.BOMFormat != "CycloneDX" || len(sbom.Components) < 10 || !found {
		t.Errorf("%s", text)
	}
	here, _ := filepath.Abs(root)
	content, err := os.ReadFile(worker)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(content), here+"/") {
		t.Error("the binary holds a path of this machine")
	}
}

// TestReleasesPassOnTheLicences: of Go, and of each module that is linked.
func TestReleasesPassOnTheLicences(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts/licences.sh"), commands.Path(t, "worker"), commands.Path(t, "enqueue")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Go go1.", "github.com/redis/go-redis/v9@", "github.com/hibiken/asynq@", "github.com/hibiken/asynqmon@"} {
		_, licence, found := strings.Cut(string(text), "==== "+name)
		licence, _, _ = strings.Cut(licence, "\n==== ")
		if !found || !strings.Contains(licence, "Copyright") {
			t.Errorf("%s has no licence", name)
		}
	}
}

// TestReleasesSayWhichCommitTheyAre: where there is a git checkout to build from.
func TestReleasesSayWhichCommitTheyAre(t *testing.T) {
	t.Parallel()
	commit, err := exec.CommandContext(t.Context(), "git", "-C", root, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Skip("this is no git checkout, or there is no git")
	}
	for _, name := range []string{"worker", "enqueue"} {
		out, err := exec.CommandContext(t.Context(), commands.Path(t, name), "--version").Output()
		if words := strings.Fields(string(out)); err != nil || len(words) < 3 || words[0] != "remesa" || len(words[2]) != len(strings.TrimSpace(string(commit))) {
			t.Errorf("%s --version: %q, %v; the commit is %s", name, out, err, commit)
		}
	}
}
