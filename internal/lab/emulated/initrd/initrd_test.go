package initrd

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

// image writes a file with the header of a bzImage.
func image(t *testing.T, path, release string) {
	t.Helper()
	b := make([]byte, 0x1000)
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x20E:], 0x600)
	copy(b[0x800:], release+" (root@host) #1 SMP\x00")
	write(t, path, string(b), 0o644)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// install writes a kernel with modules below root.
func install(t *testing.T, root, release string) {
	t.Helper()
	image(t, filepath.Join(root, "boot/vmlinuz-"+release), release)
	modules := filepath.Join(root, "lib/modules", release)
	write(t, filepath.Join(modules, "modules.dep"), "kernel/vxlan.ko: kernel/ip6-udp-tunnel.ko kernel/udp_tunnel.ko\nkernel/udp_tunnel.ko:\nkernel/ip6-udp-tunnel.ko: kernel/udp_tunnel.ko\nkernel/veth.ko.xz:\n", 0o644)
	write(t, filepath.Join(modules, "modules.builtin"), "kernel/drivers/net/tun.ko\nkernel/net/nf-net.ko\n", 0o644)
}

func TestFindKernel(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := FindKernel(root); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("no kernel: %v", err)
	}
	install(t, root, "6.9.0-1-amd64")
	install(t, root, "6.10.0-1-amd64")
	image(t, filepath.Join(root, "boot/vmlinuz-6.11.0-1-amd64"), "6.11.0-1-amd64") // without modules
	write(t, filepath.Join(root, "boot/vmlinuz-6.12.0"), "no image", 0o644)
	k, err := FindKernel(root)
	if err != nil {
		t.Fatal(err)
	}
	if k.Release != "6.10.0-1-amd64" {
		t.Errorf("%+v, want the newest with modules", k)
	}
	if _, err := OpenKernel(filepath.Join(root, "boot/vmlinuz-6.12.0")); err == nil || !strings.Contains(err.Error(), "no Linux image") {
		t.Errorf("no image: %v", err)
	}
	if _, err := OpenKernel(filepath.Join(root, "boot/vmlinuz-6.11.0-1-amd64")); err == nil || !strings.Contains(err.Error(), "no modules of kernel 6.11.0-1-amd64") {
		t.Errorf("no modules: %v", err)
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	install(t, root, "6.1.0")
	k, err := FindKernel(root)
	if err != nil {
		t.Fatal(err)
	}
	files, err := k.Files([]string{"veth", "vxlan", "tun", "nf_net"}, []string{"udp_tunnel", "nosuch"})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"/modules/veth.ko.xz", "/modules/udp_tunnel.ko", "/modules/ip6-udp-tunnel.ko", "/modules/vxlan.ko"}, paths); diff != "" {
		t.Error(diff)
	}
	if _, err := k.Files([]string{"wireguard"}, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "kernel 6.1.0 has no module wireguard") {
		t.Errorf("a module that is not there: %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	sorted := []string{"vmlinuz-5.10.0-30-amd64", "vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-53-amd64", "vmlinuz-6.1.0-53-cloud-amd64", "vmlinuz-6.10.0"}
	mixed := []string{sorted[3], sorted[4], sorted[0], sorted[2], sorted[1]}
	slices.SortFunc(mixed, compareVersions)
	if diff := cmp.Diff(sorted, mixed); diff != "" {
		t.Error(diff)
	}
}

// Equal files make an equal archive, in which every folder comes before its files.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "program"), "#!/bin/sh\n", 0o755)
	files := []File{{Path: "/opt/deep/program", Source: filepath.Join(dir, "program"), Mode: 0o755}, {Path: "/job.json", Text: []byte("{}"), Mode: 0o644}}
	var archives []string
	for i, order := range [][]File{files, {files[1], files[0], files[1]}} {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := Write(path, order); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, string(b))
	}
	if archives[0] != archives[1] {
		t.Error("the order of the files changes the archive")
	}
	var got []string
	for r := cpio.NewReader(strings.NewReader(archives[0])); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Name+" "+os.FileMode(h.Mode.Perm()).String()+" "+string(text))
	}
	want := []string{
		"dev -rwxr-xr-x ", "opt -rwxr-xr-x ", "opt/deep -rwxr-xr-x ", "proc -rwxr-xr-x ", "run -rwxr-xr-x ", "sys -rwxr-xr-x ", "tmp -rwxr-xr-x ",
		"job.json -rw-r--r-- {}", "opt/deep/program -rwxr-xr-x #!/bin/sh\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := Write(filepath.Join(dir, "c"), []File{{Path: "/a", Source: filepath.Join(dir, "nosuch")}}); err == nil || !strings.Contains(err.Error(), "archive: /a") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A script is packed with its folder, its interpreter, the programs that it names, and their
// libraries.
func TestPackScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "tunnel.sh")
	write(t, script, "#!/bin/sh\n# mkdir is only in a comment\nsleep 1\nexec \"$(dirname \"$0\")/bin/tunnel\" --quiet\n", 0o755)
	write(t, filepath.Join(dir, "bin/tunnel"), "not run here", 0o755)
	write(t, filepath.Join(dir, "bin/helper"), "#!/usr/bin/env nosuchlanguage\n", 0o755) // nobody says that it runs
	write(t, filepath.Join(dir, ".git/config"), "", 0o644)
	files, err := Pack(script, dir, "/dut000")
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]bool{}
	for _, f := range files {
		if at[f.Path] {
			t.Errorf("%s is packed twice", f.Path)
		}
		at[f.Path] = true
	}
	for _, want := range []string{"/dut000/tunnel.sh", "/dut000/bin/tunnel", "/bin/sh", "/usr/local/bin/sleep", "/usr/local/bin/dirname", "/lib/packed/libc.so.6"} {
		if !at[want] {
			t.Errorf("%s is not packed", want)
		}
	}
	for path := range at {
		if strings.Contains(path, "mkdir") || strings.Contains(path, ".git") {
			t.Errorf("%s is packed", path)
		}
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"another language":        {"#!/usr/bin/perl\n", "needs perl"},
		"another one by env":      {"#!/usr/bin/env -S nosuchlanguage -u\n", "needs nosuchlanguage"},
		"no such shell":           {"#!/opt/nosuch/sh\n", "/opt/nosuch/sh"},
		"env without a name":      {"#!/usr/bin/env -i\n", "after env"},
		"no name after the marks": {"#!\n", "names no interpreter in its first line"},
		"a broken binary":         {"\x7fELF broken", "tunnel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "tunnel")
			write(t, program, c.text, 0o755)
			if _, err := Pack(program, filepath.Dir(program), "/dut000"); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
