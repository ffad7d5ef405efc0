//go:build unix

package bounded

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// owned is a file's status with another owner.
type owned struct {
	fs.FileInfo
	uid int
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: uint32(o.uid)} }

// A file of another user is no place for keys, even if only its owner may use it: the owner may. The user who has called
// sudo(8) is no other.
func TestSecretOfAnotherUser(t *testing.T) {
	path := write(t, "")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	own := os.Geteuid()
	other := own + 1234
	for _, c := range []struct {
		owner int
		sudo  string // SUDO_UID
		taken bool
	}{
		{own, "", true},
		{own, strconv.Itoa(other), true},
		{other, strconv.Itoa(other), true},
		{other, "", false},
		{other, strconv.Itoa(other + 1), false},
	} {
		t.Setenv("SUDO_UID", c.sudo)
		err := secret(owned{info, c.owner})
		if want := fmt.Sprintf("(uid %d): chown %d", other, own); c.taken && err != nil || !c.taken && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("of %d, SUDO_UID %q: %v, want it taken: %v", c.owner, c.sudo, err, c.taken)
		}
	}
}
