// Where this package lies. CommonJS knows that both as it is and bundled into one file, where the
// binary may lie beside the bundle; a bundle of ECMAScript modules does not.

export = typeof __dirname === "string" ? __dirname : undefined;
