# A small stand-in for the parts of nixpkgs' `lib` that flake.nix and what is in nixos/ use, so that they can be
# evaluated with Nix alone.
# It is not a copy of nixpkgs: a function or type that is missing here fails
# loudly ("attribute missing"), it never passes silently.
let
  b = builtins;
  inherit (b) attrNames concatMap filter foldl' head isAttrs isFunction isList isString length listToAttrs map mapAttrs toString;

  showLoc = b.concatStringsSep ".";
  unique = foldl' (acc: x: if b.elem x acc then acc else acc ++ [ x ]) [ ];
  hasPrefix = p: s: b.substring 0 (b.stringLength p) s == p;
  isStringLike = v: isString v || b.isPath v || v ? outPath || v ? __toString;

  # --- properties -------------------------------------------------------
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  isProp = t: v: isAttrs v && (v._type or "") == t;
  # a definition without mkIf and mkMerge: a list of plain or mkOverride values
  discharge = v:
    if isProp "merge" v then concatMap discharge v.contents
    else if isProp "if" v then (if v.condition then discharge v.content else [ ])
    else if isProp "override" v then map (c: { _type = "override"; inherit (v) priority; content = c; }) (discharge v.content)
    else [ v ];
  # the same for an attribute set that is not yet looked into: the conditions move
  # inwards unevaluated (they may depend on the configuration being made)
  pushDown = v:
    if isProp "merge" v then concatMap pushDown v.contents
    else if isProp "if" v then map (mapAttrs (_: mkIf v.condition)) (pushDown v.content)
    else if isProp "override" v then map (mapAttrs (_: mkOverride v.priority)) (pushDown v.content)
    else [ v ];
  # only the definitions of the highest priority (lowest number)
  strongest = defs:
    let
      all = concatMap discharge defs;
      prio = d: if isProp "override" d then d.priority else 100;
      best = foldl' (m: d: if prio d < m then prio d else m) 9999 all;
    in map (d: if isProp "override" d then d.content else d) (filter (d: prio d == best) all);

  # --- types --------------------------------------------------------------
  one = loc: vs:
    if length vs == 1 || foldl' (ok: v: ok && v == head vs) true vs then head vs
    else throw "The option `${showLoc loc}' has conflicting definitions.";
  mkType = name: check: { _type = "option-type"; inherit name check; merge = one; };
  plain = name: check: mkType name check;
  types = rec {
    unspecified = plain "unspecified" (_: true);
    anything = unspecified;
    raw = unspecified;
    bool = plain "boolean" b.isBool;
    int = plain "signed integer" b.isInt;
    float = plain "floating point number" b.isFloat;
    str = plain "string" isString;
    singleLineStr = plain "(optionally newline-terminated) single-line string" (v: isString v && b.match "[^\n]*\n?" v != null);
    lines = str // { merge = _: b.concatStringsSep "\n"; };
    package = plain "package" (v: isAttrs v && (v.type or "") == "derivation");
    path = plain "absolute path" (v: isStringLike v && hasPrefix "/" (toString v));
    externalPath = plain "absolute path not in the Nix store"
      (v: isString v && hasPrefix "/" v && !hasPrefix b.storeDir v && b.getContext v == { });
    port = ints.between 0 65535 // { name = "16 bit unsigned integer; between 0 and 65535 (both inclusive)"; };
    ints = rec {
      between = lo: hi: plain "integer between ${toString lo} and ${toString hi} (both inclusive)" (v: b.isInt v && v >= lo && v <= hi);
      positive = plain "positive integer, meaning >0" (v: b.isInt v && v > 0);
      unsigned = plain "unsigned integer, meaning >=0" (v: b.isInt v && v >= 0);
    };
    enum = vs: plain "one of ${b.toJSON vs}" (v: b.elem v vs);
    strMatching = re: plain "string matching the pattern ${re}" (v: isString v && b.match re v != null);
    nullOr = t: mkType "null or ${t.name}" (v: v == null || t.check v)
      // { merge = loc: vs: if foldl' (a: v: a && v == null) true vs then null else t.merge loc (filter (v: v != null) vs); };
    either = t: u: mkType "${t.name} or ${u.name}" (v: t.check v || u.check v)
      // { merge = loc: vs: if foldl' (a: v: a && t.check v) true vs then t.merge loc vs else u.merge loc vs; };
    oneOf = ts: foldl' either (head ts) (b.tail ts);
    listOf = t: mkType "list of ${t.name}" isList
      // { merge = loc: vs: map (v: mergeDefs loc t [ v ]) (b.concatLists vs); };
    attrsOf = t: mkType "attribute set of ${t.name}" isAttrs
      // {
        merge = loc: vs:
          let pieces = concatMap (v: map (n: { name = n; value = v.${n}; }) (attrNames v)) vs;
              names = unique (map (p: p.name) pieces);
              val = n: concatMap discharge (map (p: p.value) (filter (p: p.name == n) pieces));
          in listToAttrs (map (n: { name = n; value = mergeDefs (loc ++ [ n ]) t (val n); }) (filter (n: val n != [ ]) names));
      };
    addCheck = t: f: t // { check = v: t.check v && f v; };
    submodule = m: submoduleWith { modules = if isList m then m else [ m ]; };
    submoduleWith = { modules, ... }: mkType "submodule" (v: isAttrs v || isFunction v)
      // { merge = loc: vs: (evalModules { modules = modules ++ map (v: if isFunction v then v else { config = v; }) vs; prefix = loc; specialArgs.name = b.elemAt loc (length loc - 1); }).config; };
  };
  mergeDefs = loc: type: defs:
    let vs = strongest defs; bad = filter (v: !(type.check v)) vs;
    in if bad != [ ] then throw "A definition for option `${showLoc loc}' is not of type `${type.name}'."
       else type.merge loc vs;

  # --- modules --------------------------------------------------------------
  isOption = v: isAttrs v && (v._type or "") == "option";
  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = { inherit lib; config = result; options = tree; } // (result._module.args or { }) // specialArgs;
      call = m:
        let
          f = if b.isPath m || isString m then import m else m;
          known = { inherit lib; config = result; options = tree; } // specialArgs;
          # an argument that is not known up front (pkgs) comes lazily from _module.args
          want = mapAttrs (n: _: known.${n} or result._module.args.${n}) (b.functionArgs f);
          v = if isFunction f then f (known // want) else f;
          long = v ? options || v ? config;
          extra = if long then filter (n: !(b.elem n [ "imports" "options" "config" "_file" "key" "freeformType" "meta" ])) (attrNames v) else [ ];
          me = {
            options = v.options or { };
            config = if long then v.config or { } else removeAttrs v [ "imports" "_file" "key" "freeformType" ];
            freeformType = v.freeformType or (if long then v.config.freeformType or null else null);
          };
        in if extra != [ ] then throw "Module has an unsupported attribute `${head extra}'." else [ me ] ++ concatMap call (v.imports or [ ]);
      mods = concatMap call modules;
      freeform = foldl' (f: m: if m.freeformType != null then m.freeformType else f) null mods;

      mergeTrees = loc: a: c: foldl' (acc: n:
        if acc ? ${n} then
          (if isOption acc.${n} || isOption c.${n} then throw "The option `${showLoc (loc ++ [ n ])}' is already declared."
           else acc // { ${n} = mergeTrees (loc ++ [ n ]) acc.${n} c.${n}; })
        else acc // { ${n} = c.${n}; }) a (attrNames c);
      base = { _module.args = mkOption { type = types.attrsOf types.raw; default = { }; }; };
      tree = foldl' (t: m: mergeTrees prefix t m.options) base mods;

      eval = loc: node: defs: ff:
        let
          pieces = concatMap pushDown defs;
          defsOf = n: concatMap (p: if p ? ${n} then [ p.${n} ] else [ ]) pieces;
          unknown = filter (n: !(node ? ${n})) (unique (concatMap attrNames pieces));
          value = n:
            let o = node.${n}; l = loc ++ [ n ]; ds = concatMap discharge (defsOf n);
                all = ds ++ (if o ? default then [ (mkOverride 1500 o.default) ] else [ ]);
            in if isOption o then
                 (if all == [ ] then throw "The option `${showLoc l}' is used but not defined."
                  else (o.apply or (x: x)) (mergeDefs l o.type all))
               else eval l o (defsOf n) null;
        in mapAttrs (n: _: value n) node
          // (if unknown == [ ] then { }
              else if ff != null then ff.merge loc (map (p: b.intersectAttrs (listToAttrs (map (n: { name = n; value = null; }) unknown)) p) pieces)
              else throw "The option `${showLoc (loc ++ [ (head unknown) ])}' does not exist.");
      result = eval prefix tree (map (m: removeAttrs m.config [ "freeformType" ]) mods) freeform;
    in { config = if prefix == [ ] then result else removeAttrs result [ "_module" ]; options = tree; };
  removeAttrs = b.removeAttrs;

  mkOption = a: { _type = "option"; type = types.unspecified; } // a;

  lib = rec {
    inherit types evalModules mkIf mkMerge mkOverride mkOption hasPrefix unique isString isAttrs isFunction isList mapAttrs concatMap filter;
    inherit (b) isPath concatStringsSep attrNames attrValues elem map;
    fix = f: let x = f x; in x;
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkEnableOption = d: mkOption { default = false; example = true; description = "Whether to enable ${d}."; type = types.bool; };
    mkPackageOption = pkgs: name: { default ? name, ... }@a: mkOption {
      type = types.package; default = pkgs.${default} or (throw "package ${default} is not in pkgs"); description = "The ${name} package to use.";
    };
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    optional = c: v: if c then [ v ] else [ ];
    toList = x: if isList x then x else [ x ];
    concatMapAttrs = f: s: b.foldl' (acc: n: acc // f n s.${n}) { } (attrNames s);
    optionals = c: v: if c then v else [ ];
    optionalString = c: s: if c then s else "";
    optionalAttrs = c: a: if c then a else { };
    hasSuffix = s: x: let n = b.stringLength x; m = b.stringLength s; in n >= m && b.substring (n - m) m x == s;
    hasInfix = i: s: b.length (b.split (escapeRegex i) s) > 1;
    splitString = sep: s: filter isString (b.split (escapeRegex sep) s);
    removePrefix = p: s: if hasPrefix p s then b.substring (b.stringLength p) (-1) s else s;
    removeSuffix = p: s: if hasSuffix p s then b.substring 0 (b.stringLength s - b.stringLength p) s else s;
    any = f: l: filter f l != [ ];
    getVersion = p: p.version;
    getName = p: p.pname;
    inherit (b) head replaceStrings;
    escapeRegex = b.replaceStrings [ "." "*" "+" "?" "(" ")" "[" "]" "{" "}" "|" "^" "$" "\\" ] [ "\\." "\\*" "\\+" "\\?" "\\(" "\\)" "\\[" "\\]" "\\{" "\\}" "\\|" "\\^" "\\$" "\\\\" ];
    concatMapStringsSep = sep: f: l: b.concatStringsSep sep (map f l);
    boolToString = v: if v then "true" else "false";
    escapeShellArg = a: "'${b.replaceStrings [ "'" ] [ "'\\''" ] (toString a)}'";
    escapeShellArgs = concatMapStringsSep " " escapeShellArg;
    getExe = p: "${p}/bin/${p.meta.mainProgram or (throw "getExe: ${p.name} has no meta.mainProgram")}";
    getExe' = p: n: "${p}/bin/${n}";
    getBin = p: p;
    versionAtLeast = a: v: b.compareVersions a v >= 0;
    versionOlder = a: v: b.compareVersions a v < 0;
    genAttrs = ns: f: listToAttrs (map (n: { name = n; value = f n; }) ns);
    mapAttrs' = f: s: listToAttrs (map (n: f n s.${n}) (attrNames s));
    nameValuePair = name: value: { inherit name value; };
    mapAttrsToList = f: s: map (n: f n s.${n}) (attrNames s);
    filterAttrs = f: s: listToAttrs (map (n: { name = n; value = s.${n}; }) (filter (n: f n s.${n}) (attrNames s)));
    makeBinPath = concatMapStringsSep ":" (p: "${p}/bin");
    cleanSource = s: s;
    # Only the named files and directories, as it is in nixpkgs: what is forgotten is missing.
    fileset = {
      unions = l: map (p: if b.pathExists p then toString p else throw "fileset: ${toString p} does not exist") l;
      toSource = { root, fileset }: b.path {
        path = root;
        name = "source";
        filter = path: kind: b.any (f: path == f || hasPrefix "${f}/" path || (kind == "directory" && hasPrefix "${path}/" f)) fileset;
      };
    };
    setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
    functionArgs = f: f.__functionArgs or (b.functionArgs f);
    licenses = genAttrs [ "mit" "asl20" "bsd2" "bsd3" ] (n: { spdxId = n; });
    platforms = { linux = [ "x86_64-linux" "aarch64-linux" ]; unix = platforms.linux; };
    sourceTypes = genAttrs [ "fromSource" "binaryBytecode" "binaryNativeCode" ] (n: { shortName = n; });
    maintainers = { };
  };
in lib
