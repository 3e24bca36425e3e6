"""Pure functions of series: the thesis's quantities, with formula and units."""
