//go:build ignore

// Command relay connects to TO for each connection that FROM accepts, and copies both ways. On Linux io.Copy between
// two TCP connections is splice(2): the octets do not enter the program.
//
//	relay FROM TO     such as: relay 192.0.2.1:4000 192.0.2.2:4000
package main

import (
	"io"
	"log"
	"net"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: relay FROM TO")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		near, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go relay(near.(*net.TCPConn), os.Args[2])
	}
}

// relay copies both ways until both have ended.
func relay(near *net.TCPConn, to string) {
	defer near.Close()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		log.Print(err)
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close()
	ended := make(chan struct{})
	go func() {
		pump(near, far)
		close(ended)
	}()
	pump(far, near)
	<-ended
}

// pump copies one way, and passes on that it has ended.
func pump(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		log.Print(err)
	}
	_ = to.CloseWrite()
}
