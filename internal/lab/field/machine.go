package field

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/tunnelbench/tunnelbench/internal/lab"
)

// Machine returns a word that tells this machine apart from others: a hash of its firmware's id. Where there is none, as in a
// container, of the ids of the system and of the running kernel: images of systems are copied with their id. The ids
// themselves say more than a results file should.
func Machine() string {
	id := lab.FirstLine("/sys/class/dmi/id/product_uuid")
	if id == "" {
		id = lab.FirstLine("/etc/machine-id") + lab.FirstLine("/proc/sys/kernel/random/boot_id")
	}
	sum := sha256.Sum256([]byte("tunnelbench field " + id))
	return hex.EncodeToString(sum[:6])
}
