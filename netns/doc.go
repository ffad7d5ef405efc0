// Package netns builds the laboratory's network: namespaces, links, addresses
// and the processes inside them. A network is a value (Topology) until Build
// makes it real; Close undoes what Build did, in reverse order. Namespaces are
// unnamed and held by descriptors, so that even kill -9 leaves nothing behind.
//
//	              tester                     left                       right
//	       ┌────────────────────┐     ┌─────────────────┐        ┌─────────────────┐
//	       │ port0  198.18.0.2  ├─────┤ lan        wan  ├────────┤ wan        lan  ├──┐
//	       │ port1  198.19.0.2  ├───┐ │ 198.18.0.1      │        │      198.19.0.1 │  │
//	       └────────────────────┘   │ └─────────────────┘        └─────────────────┘  │
//	                                └──────────────────────────────────────────────────┘
//
//	Plan ─► Wire, Dual ─► Topology ─► Build ─► Net ─► NS.Do      open things inside
//	                                               └► Start      run things inside
//
// Enter a namespace to open, never to run: a socket stays in the namespace it
// was born in. What runs inside is started by Start, as the child of a
// re-executed helper (see Helper) that takes all its descendants along when it
// or the lab ends. Settings that belong to the whole machine are changed
// through a Guardian, which puts them back even when the lab is killed.
package netns
