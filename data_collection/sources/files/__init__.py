"""Files of others: pictures, HDF5, object arrays; read within bounds."""
