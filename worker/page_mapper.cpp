#include "worker/page_mapper.hpp"
