package strictjson

import (
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// elements validates the elements of lists and maps in order and stops at the first that is wrong. The
// library keeps an error for each, which takes gigabytes for a file of a million wrong ones.
type elements struct {
	items      *jsonschema.Schema // of a list
	additional *jsonschema.Schema // of a map, except for its named properties
	named      map[string]*jsonschema.Schema
}

// stopAtFirst makes s, and all that it refers to, validate elements so.
func stopAtFirst(s *jsonschema.Schema, seen map[*jsonschema.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	e := &elements{items: s.Items2020, named: s.Properties}
	s.Items2020 = nil
	if additional, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		e.additional, s.AdditionalProperties = additional, nil
	}
	if e.items != nil || e.additional != nil {
		s.Extensions = append(s.Extensions, e)
	}
	for _, below := range slices.Concat([]*jsonschema.Schema{s.Ref, e.items, e.additional}, slices.Collect(maps.Values(s.Properties))) {
		stopAtFirst(below, seen)
	}
}

// Validate implements jsonschema.SchemaExt.
func (e *elements) Validate(ctx *jsonschema.ValidatorContext, v any) {
	switch v := v.(type) {
	case []any:
		e.list(ctx, v)
	case map[string]any:
		e.table(ctx, v)
	}
}

func (e *elements) list(ctx *jsonschema.ValidatorContext, list []any) {
	if e.items == nil {
		return
	}
	for i, item := range list {
		if err := ctx.Validate(e.items, item, []string{strconv.Itoa(i)}); err != nil {
			ctx.AddErr(err)
			return
		}
	}
}

func (e *elements) table(ctx *jsonschema.ValidatorContext, table map[string]any) {
	if e.additional == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if _, ok := e.named[key]; ok {
			continue
		}
		if err := ctx.Validate(e.additional, table[key], []string{key}); err != nil {
			ctx.AddErr(err)
			return
		}
	}
}
