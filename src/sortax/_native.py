"""The only file that knows that C++ exists."""
SORTABLE=()
def lower(*a, **k): return None
def native_status(): return "none"
