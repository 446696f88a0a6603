package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts are those of the version of urfave/cli in go.mod.
func TestCompletionScripts(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}",
		"github.com/urfave/cli/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bash_autocomplete", "zsh_autocomplete"} {
		ours, err := os.ReadFile(filepath.Join("completion", name))
		if err != nil {
			t.Fatal(err)
		}
		theirs,
			err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "autocomplete", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(ours) != string(theirs) {
			t.Errorf("completion/%s differs from urfave/cli's: copy it again", name)
		}
	}
}

// What bash offers for a line of words, the last of which is being typed.
func TestBashCompletion(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "latent")
	if err := os.WriteFile(script, []byte(must(t, "completion", "bash").stdout),
		0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"latent cla", "classify"},
		{"latent plot ", "loss scatter"},
		{"latent tsne --learning", "--learning-rate"},
		{"latent tsne --no-such", ""},
	} {
		// The first line stands in for the bash-completion package's function.
		cmd := exec.Command("bash", "-c", `
			_init_completion() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${COMP_WORDS[COMP_CWORD]}; }
			source "$1"
			IFS=' ' read -ra COMP_WORDS <<<"$2"
			[[ $2 != *' ' ]] || COMP_WORDS+=('')
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_cli_bash_autocomplete
			echo "${COMPREPLY[*]}"`, "bash", script, c.line)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%q is completed to %q, want %q (%v)", c.line, got, c.want, err)
		}
	}
}

// Each shell's own parser accepts its script, where that shell is installed.
func TestCompletionSyntax(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text := must(t, "completion", shell).stdout
		if !strings.Contains(text, "latent") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: %s", shell, text)
		}
		if path, err := exec.LookPath(shell); err == nil {
			cmd := exec.Command(path, "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", shell, err, out)
			}
		}
	}
}

// The man page is of section 1 and has every command.
func TestMan(t *testing.T) {
	man := must(t, "man").stdout
	wants := []string{".TH latent 1\n", ".SH NAME"}
	for _, c := range newApp(nil).Commands {
		if !c.Hidden {
			wants = append(wants, "\n.SH "+c.Name+"\n")
		}
	}
	for _, want := range wants {
		if !strings.Contains(man, want) {
			t.Errorf("the man page lacks %q", want)
		}
	}
}

func TestShortFlags(t *testing.T) {
	if short, long := must(t, "-V").stdout, must(t, "--version").stdout; short != long ||
		short == "" {
		t.Errorf("-V prints %q, --version %q", short, long)
	}
	if short, long := must(t, "tsne", "-h").stdout, must(t, "tsne",
		"--help").stdout; short != long || short == "" {
		t.Errorf("-h prints %q, --help %q", short, long)
	}
	input, output := filepath.Join(t.TempDir(), "x.csv"), filepath.Join(t.TempDir(), "y.csv")
	if err := os.WriteFile(input, []byte("1,2\n3,4\n5,7\n8,6\n2,9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, "tsne", "--input", input, "-o", output, "-q", "--perplexity", "1", "--iterations",
		"10")
	if _, err := os.Stat(output); err != nil || r.stderr != "" {
		t.Errorf("-o: %v; -q leaves %q", err, r.stderr)
	}
	refuse(t, 2, []string{"tsne", "-o"}, "no value for flag -o")
	refuse(t, 2, []string{"tsne", "-x"}, "unknown flag -x")
}
