package stacks

import (
	"debug/elf"
	"debug/gosym"
	"io"
	"strings"
)

// module is a program or a library.
type module struct {
	functions table
	loads     []elf.ProgHeader
}

// readModule reads the functions of an ELF file: those of its symbol table; of one that is stripped those that a Go program needs itself
// (its pclntab), or those that it offers to others.
func readModule(r io.ReaderAt) (*module, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	m := &module{}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			m.loads = append(m.loads, p.ProgHeader)
		}
	}
	functions := functionsOf(f.Symbols())
	if len(functions) == 0 {
		functions = goFunctions(f)
	}
	if len(functions) == 0 {
		functions = functionsOf(f.DynamicSymbols())
	}
	m.functions = tableOf(functions)
	return m, nil
}

// functionsOf takes what a symbol table has; a file without one has none.
func functionsOf(all []elf.Symbol, err error) (functions []symbol) {
	if err != nil {
		return nil
	}
	const indirect = elf.STT_LOOS // STT_GNU_IFUNC
	for _, s := range all {
		if kind := elf.ST_TYPE(s.Info); (kind == elf.STT_FUNC || kind == indirect) && s.Section != elf.SHN_UNDEF && s.Name != "" {
			functions = append(functions, symbol{s.Value, s.Value + s.Size, s.Name})
		}
	}
	return functions
}

// goFunctions reads a Go program's pclntab. Its addresses count from the begin of Go's code, which a stripped program does not tell: that is
// its code's begin unless C's start-up code comes first. So the names hold only if the one at the program's entry is Go's.
func goFunctions(f *elf.File) (functions []symbol) {
	text := f.Section(".text")
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		section := f.Section(name)
		if text == nil || section == nil {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return nil
		}
		names, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
		if err != nil {
			return nil
		}
		if entry := names.PCToFunc(f.Entry); entry == nil || !strings.HasPrefix(entry.Name, "_rt0_") {
			return nil
		}
		for _, f := range names.Funcs {
			functions = append(functions, symbol{f.Entry, f.End, f.Name})
		}
	}
	return functions
}

// linked returns the address that the linker gave to what lies at an offset of the file.
func (m *module) linked(offset uint64) (address uint64, ok bool) {
	for _, p := range m.loads {
		if offset >= p.Off && offset-p.Off < p.Filesz {
			return offset - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}

// name returns the function at an offset of the file.
func (m *module) name(offset uint64) (string, bool) {
	address, ok := m.linked(offset)
	if !ok {
		return "", false
	}
	return m.functions.name(address)
}
