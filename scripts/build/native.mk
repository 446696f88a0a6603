# Compiles gotorch's C++ and the shim into one library. Run in the object folder by native.sh, which sets
#   OBJ        the object folder; OBJ/src leads to gotorch in the module cache, torch to the checkout's
#   CXXFLAGS   all flags but the optimisation level
#   LDLIBS     libraries and rpaths
# An object depends on its own headers through its dependency file, and on everything else (flags, libtorch,
# compiler, this file) through the name of OBJ. libtorch's headers are compiled once, into a precompiled header.

gotorch := $(OBJ)/src/cgotorch
shim    := torch/native
sources := $(wildcard $(gotorch)/*.cc) $(wildcard $(shim)/*.cc)
objects := $(patsubst $(gotorch)/%.cc,$(OBJ)/gotorch/%.o,$(patsubst $(shim)/%.cc,$(OBJ)/shim/%.o,$(sources)))
pch     := $(OBJ)/pch.h

# ldd -r loads it as the program will: a library that is missing or does not fit is told here, in one line.
$(OBJ)/libcgotorch.so: $(objects) $(OBJ)/sources
	@echo "native: link libcgotorch.so"
	$(CXX) -shared -fopenmp -Wl,-soname,libcgotorch.so -o $@.tmp $(objects) $(LDLIBS)
	if ldd -r $@.tmp 2>&1 | grep -m1 -E 'not found|undefined symbol' >&2; then \
		echo "native: libcgotorch.so does not fit this libtorch" >&2; exit 1; fi
	mv $@.tmp $@

# The list of sources, rewritten when it changes: a removed file must leave the library.
$(OBJ)/sources: FORCE
	echo '$(sources)' | cmp -s - $@ || echo '$(sources)' > $@

$(pch).gch:
	@echo "native: precompile torch/torch.h (once per libtorch)"
	echo '#include <torch/torch.h>' > $(pch)
	$(CXX) $(CXXFLAGS) -O2 -x c++-header -o $@.tmp $(pch)
	mv $@.tmp $@

# gotorch's Go init calls SetNumThreads(NumCPU/2): 0 on one core, which throws through C. The shim has a safe one.
$(OBJ)/gotorch/device.o: override CXXFLAGS += -DSetNumThreads=cgotorch_SetNumThreads

$(OBJ)/gotorch/%.o: $(gotorch)/%.cc $(pch).gch
	@echo "native: compile gotorch/$*.cc"
	$(CXX) $(CXXFLAGS) -O2 -MMD -MP -include $(pch) -c -o $@ $<

$(OBJ)/shim/%.o: $(shim)/%.cc $(pch).gch
	@echo "native: compile $(shim)/$*.cc"
	$(CXX) $(CXXFLAGS) -O3 -Wall -MMD -MP -include $(pch) -c -o $@ $<

FORCE:
.PHONY: FORCE
.DELETE_ON_ERROR:
-include $(objects:.o=.d)
