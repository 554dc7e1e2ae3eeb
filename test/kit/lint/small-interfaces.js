/** With more methods, a caller depends on methods that it does not need. */
const MAX_METHODS = 7

const isFunction = (type) =>
  type?.type === 'TSFunctionType' ||
  (type?.type === 'TSUnionType' && type.types.some(isFunction)) ||
  (type?.type === 'TSParenthesizedType' && isFunction(type.typeAnnotation))

const keyOf = (context, member) => (member.key === undefined ? '()' : context.sourceCode.getText(member.key))

/** Names of the methods among `members`; getters and plain data do not count, and overloads count once. */
function methodsOf(context, members) {
  const methods = members.filter(
    (member) =>
      member.type === 'TSCallSignatureDeclaration' ||
      (member.type === 'TSMethodSignature' && member.kind === 'method') ||
      (member.type === 'TSPropertySignature' && isFunction(member.typeAnnotation?.typeAnnotation)),
  )
  return methods.map((member) => keyOf(context, member))
}

/** An interface or an object type has at most seven methods, with those inherited from types of the same file. */
export const smallInterfaces = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      large: '{{name}} has {{count}} methods, and {{max}} are allowed: split it into facets that callers take one of.',
    },
  },
  create(context) {
    const interfaces = new Map()
    const literals = []

    const all = (node, seen = new Set()) => {
      if (seen.has(node)) return []
      seen.add(node)
      const parents = node.extends.flatMap(({ expression }) => interfaces.get(expression.name) ?? [])
      return [...methodsOf(context, node.body.body), ...parents.flatMap((parent) => all(parent, seen))]
    }

    const check = (node, name, methods) => {
      const count = new Set(methods).size
      if (count > MAX_METHODS) {
        context.report({ node, messageId: 'large', data: { name, count: String(count), max: String(MAX_METHODS) } })
      }
    }

    return {
      TSInterfaceDeclaration(node) {
        interfaces.set(node.id.name, [...(interfaces.get(node.id.name) ?? []), node])
      },
      TSTypeLiteral(node) {
        literals.push(node)
      },
      'Program:exit'() {
        for (const [name, nodes] of interfaces)
          check(
            nodes[0],
            name,
            nodes.flatMap((node) => all(node)),
          )
        for (const node of literals) check(node, 'the object type', methodsOf(context, node.members))
      },
    }
  },
}
