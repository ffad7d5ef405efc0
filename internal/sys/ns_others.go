//go:build !linux

package sys

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// The laboratory needs Linux; on other systems these functions return an error.

func needsLinux(what string) error {
	return fmt.Errorf("%s: needs Linux: %w", what, errors.ErrUnsupported)
}

func NewNetNS() (*os.File, error)                     { return nil, needsLinux("network namespace") }
func InNetNS(*os.File, func() error) error            { return needsLinux("network namespace") }
func JoinNetNS(int) error                             { return needsLinux("network namespace") }
func BindNetNS(*os.File, string) error                { return needsLinux("network namespace") }
func UnbindNetNS(string) error                        { return needsLinux("network namespace") }
func ReadSysfs(string) (string, error)                { return "", needsLinux("sysfs") }
func WriteSysfs(string, string) error                 { return needsLinux("sysfs") }
func Affinity() ([]int, error)                        { return nil, needsLinux("CPU affinity") }
func SetAffinity(int, []int) error                    { return needsLinux("CPU affinity") }
func PeerPID(*net.UnixConn) (int, error)              { return 0, needsLinux("SO_PEERCRED") }
func Flock(*os.File) error                            { return needsLinux("file lock") }
func OpenLock(string) (*os.File, error)               { return nil, needsLinux("file lock") }
func ListenPrivate(string) (*net.UnixListener, error) { return nil, needsLinux("private socket") }
func StartInit(*exec.Cmd, []int) error                { return needsLinux("PID namespace") }
func StartDetached(*exec.Cmd) error                   { return needsLinux("guardian") }
func Inherited(fd int) *os.File                       { return os.NewFile(uintptr(fd), "inherited") }
func MountFresh() error                               { return needsLinux("mount namespace") }
func WaitAny() (pid, code int, err error)             { return 0, 0, needsLinux("wait4") }
func KillRest() error                                 { return needsLinux("PID namespace") }
func ProcessCPU(int) (time.Duration, error)           { return 0, needsLinux("process clock") }
func EthFeatures(string) ([]EthFeature, error)        { return nil, needsLinux("ethtool") }
func SetEthFeatures(string, map[string]bool) error    { return needsLinux("ethtool") }
func EthStats(string) (map[string]int64, error)       { return nil, needsLinux("ethtool") }
